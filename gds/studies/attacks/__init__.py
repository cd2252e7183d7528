"""Attacks on a trained model by someone who holds it: what does it tell about the people it was trained on?"""

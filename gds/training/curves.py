import pandas as pd


def curve_records(history): return pd.DataFrame(history)

#!/usr/bin/env bash
# The main job end to end on a simulated cohort, by the commands that a user would type: `make demo`.
set -euo pipefail
out=${1:-runs/demo}

step() { printf '\n== %s\n' "$*"; }

step "simulate a cohort: several populations, 400 genes, ALS with its published loci, batches"
gds simulate --out "$out/cohort" --seed 1

step "split people, then fit features on training people only"
gds prepare --data "$out/cohort" --features pca --out "$out/data-pca" --seed 1
gds prepare --data "$out/cohort" --features tokens --out "$out/data-tokens" --seed 1

step "pre-train without labels: diffusion on gene-wise components, masked transformer on genotypes"
accelerate launch --config_file pretrain/configs/accelerate/single.yaml pretrain/run.py \
    --config pretrain/configs/diffusion.yaml --data "$out/data-pca" --output-dir "$out/diffusion" --seed 1 training.num_train_epochs=10
accelerate launch --config_file pretrain/configs/accelerate/single.yaml pretrain/run.py \
    --config pretrain/configs/masked.yaml --data "$out/data-tokens" --output-dir "$out/masked" --seed 1 training.num_train_epochs=4 model.blocks_per_token=8

step "generate 1,000 synthetic people"
gds generate --model "$out/diffusion" --n 1000 --out "$out/synthetic.pgen" --seed 1

step "does it work at all? the same encoders, 100 labels of something that genotypes do tell: ancestry"
python finetune/als.py --genotypes "$out/cohort/cohort.bed" --phenotypes "$out/cohort/phenotypes.tsv" \
    --label-column population --batch-columns --covariates --encoder "$out/diffusion" "$out/masked" \
    --n-labels 100 --fractions 0.2 0.05 0.75 --output-dir "$out/ancestry" --seed 1

step "fine-tune with 100 labels, with and without synthetic people, beside the baselines"
python finetune/als.py --data "$out/data-pca" --encoder "$out/diffusion" "$out/masked" \
    --n-labels 100 --augment 1 --output-dir "$out" --seed 1

#!/usr/bin/env bash
# Real people, few labels: five superpopulations of 1000 Genomes from 100 labels, on one megabase of
# chromosome 22, by the commands of the README. Needs the real genotypes (GDS_SHARED_DATA, see tests/conftest.py).
#     bash benchmarks/kg_chr22.sh            # writes benchmarks/results/kg_chr22_superpopulation.csv
# What stands in runs/kg_chr22 already is not made again: remove the folder to start afresh.
set -euo pipefail
data=${GDS_SHARED_DATA:-../shared/data}/kg_chr22
out=runs/kg_chr22
results=benchmarks/results/kg_chr22_superpopulation.csv

for kind in pca tokens; do
    [ -d "$out/$kind" ] || gds prepare --genotypes "$data/kg_chr22.bed" --phenotypes "$data/kg.panel" \
        --label-column super_pop --blocks window:64 --features $kind --out "$out/$kind"
done
for objective in diffusion:pca masked:tokens; do
    name=${objective%:*}
    [ -f "$out/$name/run.json" ] || accelerate launch --config_file pretrain/configs/accelerate/single.yaml \
        pretrain/run.py --config "pretrain/configs/$name.yaml" --data "$out/${objective#*:}" \
        --output-dir "$out/$name" model.blocks_per_token=2 model.neighbour_reach=null training.num_train_epochs=25
done

for seed in 0 1 2; do
    run="$out/labels-100-seed-$seed"
    [ -f "$run/metrics.csv" ] || python finetune/als.py --data "$out/pca" \
        --encoder "$out/diffusion" "$out/masked" --n-labels 100 --augment 1 --output-dir "$run" --seed $seed
done
# One table: the same test people in every run; the seed chooses which 100 labels are used.
awk 'FNR == 1 { if (NR == 1) print "seed," $0; next } { split(FILENAME, part, "seed-"); print part[2] + 0 "," $0 }' \
    "$out"/labels-100-seed-*/metrics.csv > "$results.partial" && mv "$results.partial" "$results"
echo "$results"

#!/bin/sh
# All figures of throughput, in about 14 minutes on two free cores: sh benchmarks/throughput.sh
set -e
results=$(dirname "$0")/results
python -m nanomorph_benchmarks.throughput --out "$results/throughput.json"
python -m nanomorph_benchmarks.steadiness --out "$results/steadiness.json"
nanomorph bench --size 1024,4096 --images 10 --repeats 3 --json "$results/bench.json"

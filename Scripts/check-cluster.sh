#!/usr/bin/env bash
# A sweep of twelve runs on a real Slurm, whose tasks are cancelled and whose programs are killed at
# random, must end with the results of an undisturbed one, bit for bit; a run longer than its time
# limit must come to its end by being queued again. Runs by MPI on 1, 2 and 4 ranks must take the same
# steps, and go on after the death of a rank on another number of ranks.
# Uses the Slurm that answers here, else installs and starts one on this machine (needs root).
#   check-cluster.sh [slurm|mpi]
# Environment: SEED of the disturbances
set -euo pipefail
cd "$(dirname "$0")/.."
attune=$PWD/.build/release/attune
work=$(mktemp -d)
RANDOM=${SEED:-1}
part=${1:-all}

fail() {
  echo "check-cluster: $*" >&2
  exit 1
}

cleanup() {
  for daemon in slurmd slurmctld; do
    [[ -f $work/slurm/$daemon.pid ]] || continue
    pid=$(cat "$work/slurm/$daemon.pid")
    kill "$pid" || continue
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null && sleep 0.1; done
  done
  rm -rf "$work"
}
trap cleanup EXIT

# One node on the loopback address, which is this machine.
start_slurm() {
  if sinfo -h >"$work/sinfo" 2>&1; then return; fi
  [[ $(id -u) == 0 ]] || fail "no Slurm answers here, and only root can start one"
  if ! command -v slurmctld >/dev/null; then
    apt-get update -qq && apt-get install -y -qq slurm-wlm munge >/dev/null
  fi
  mkdir -p "$work/slurm/state" "$work/slurm/spool" /run/munge
  chown munge: /run/munge
  if ! munge -n </dev/null >/dev/null 2>&1; then
    runuser -u munge -- "$(command -v munged)"
    sleep 1
  fi
  local host
  host=$(hostname -s)
  cat >"$work/slurm/slurm.conf" <<CONF
ClusterName=check
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
SlurmctldPort=${SLURM_PORT:-16817}
SlurmdPort=$((${SLURM_PORT:-16817} + 1))
StateSaveLocation=$work/slurm/state
SlurmdSpoolDir=$work/slurm/spool
SlurmctldPidFile=$work/slurm/slurmctld.pid
SlurmdPidFile=$work/slurm/slurmd.pid
SlurmctldLogFile=$work/slurm/slurmctld.log
SlurmdLogFile=$work/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=check Nodes=$host Default=YES State=UP
CONF
  export SLURM_CONF=$work/slurm/slurm.conf
  slurmctld
  slurmd
  for _ in {1..60}; do
    if sinfo -h 2>/dev/null | grep -q idle; then return; fi
    sleep 0.5
  done
  fail "Slurm does not start: $(tail -5 "$work"/slurm/*.log)"
}

# What may not depend on how a sweep came to its end: the values of all metrics of all runs.
results() {
  "$attune" runs "$1" --where state=finished --json | grep -E '"(digest|seed|[a-z]+/[^"]*)" :'
}

finished() { "$attune" queue status -o "$1" --json 2>>"$work/status.log" | grep -c '"state" : "finished"' || true; }

make_data() {
  for equation in advection burgers; do
    "$attune" data make pde "$equation" -o "$work/data/$equation.hdf5" --trajectories 64 \
      --grid 128 --frames 21 --dt 0.05 --quiet >"$work/data.log"
  done
}

check_slurm() {
  start_slurm
  local sweep=(batch recipes/pde/sweep/small-sweep.yaml --set "data.root=$work/data")
  echo "check-cluster: twelve runs here, undisturbed"
  "$attune" "${sweep[@]}" -o "$work/calm" --quiet >"$work/calm.log" 2>&1 \
    || fail "the undisturbed sweep failed: $(tail -5 "$work/calm.log")"

  echo "check-cluster: twelve runs by Slurm, disturbed"
  local kills=0 cancels=0 submissions=0 tasks programs
  while (($(finished "$work/wild") < 12)); do
    ((submissions < 20)) || fail "not done after $submissions submissions"
    "$attune" "${sweep[@]}" -o "$work/wild" --slurm --retries 20 >>"$work/wild.log" 2>&1 \
      || fail "cannot submit: $(tail -5 "$work/wild.log")"
    submissions=$((submissions + 1))
    while sleep "0.$((RANDOM % 9 + 1))" && [[ -n $(squeue --me -h) ]]; do
      # Rarer with time, so that it ends.
      ((RANDOM % (1 + (kills + cancels) / 6) == 0)) || continue
      if ((RANDOM % 3 == 0)); then
        mapfile -t tasks < <(squeue --me -h -r -t R -o '%F_%K')
        ((${#tasks[@]} > 0)) || continue
        scancel "${tasks[RANDOM % ${#tasks[@]}]}" && cancels=$((cancels + 1))
      else
        mapfile -t programs < <(pgrep -f "batch-task $work/wild" || true)
        ((${#programs[@]} > 0)) || continue
        kill -KILL "${programs[RANDOM % ${#programs[@]}]}" 2>/dev/null && kills=$((kills + 1))
      fi
    done
  done
  ((kills >= 5 && cancels >= 3)) || fail "only $kills kills and $cancels cancelled tasks"
  diff <(results "$work/calm") <(results "$work/wild") || fail "results differ from the undisturbed"
  echo "check-cluster: 12 of 12 equal after $kills kills, $cancels cancelled tasks," \
    "$submissions submissions"

  echo "check-cluster: a run longer than its limit of a minute"
  local long=(recipes/pde/sweep/small-sweep.yaml --set "data.root=$work/data" --set '~sweep'
    --set train.max_steps="${LONG_STEPS:-4000}")
  "$attune" train "${long[@]}" -o "$work/long" --quiet >"$work/long.log" 2>&1 \
    || fail "the long run failed: $(tail -5 "$work/long.log")"
  "$attune" batch "${long[@]}" -o "$work/limited" --slurm --set distributed.slurm.time=1 \
    >"$work/limited.log"
  while [[ -n $(squeue --me -h) ]]; do sleep 2; done
  (($(finished "$work/limited") == 1)) || fail "not finished: $(tail "$work"/limited/slurm/1/0.log)"
  local attempts
  attempts=$(sed -n 's/.*"attempts" : \([0-9]*\),*/\1/p' "$work/limited/slurm/1/0.json")
  ((attempts > 1)) || fail "the long run did not reach its limit: give more LONG_STEPS"
  diff <(results "$work/long") <(results "$work/limited") || fail "the resumed run differs"
  echo "check-cluster: equal after $attempts attempts"
}

# Losses of the steps of a run, one per line.
losses() {
  sed -n '2,$s/.*"step":\([0-9]*\),.*"loss":\([^,]*\),.*/\1 \2/p' "$1"/small-sweep/*/steps.jsonl
}

# Whether two runs have the same steps, each loss within 1e-5; prints the largest difference.
compare() {
  paste -d ' ' <(losses "$1") <(losses "$2") | awk '
    NF != 4 || $1 != $3 { exit 1 }
    { d = $2 - $4; d = (d < 0 ? -d : d) / ($2 < 0 ? -$2 : $2); if (d > worst) worst = d }
    END { if (!NR) exit 1; printf "%d steps, largest relative difference %.1e\n", NR, worst
          exit worst >= 1e-5 }'
}

ranks() {
  local count=$1
  shift
  mpirun --oversubscribe -n "$count" "$attune" train "${run[@]}" "$@" --quiet
}

check_mpi() {
  command -v mpirun >/dev/null || { apt-get update -qq && apt-get install -y -qq openmpi-bin >/dev/null; }
  if [[ $(id -u) == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  # Batches of four ranks, whatever runs them.
  local run=(recipes/pde/sweep/small-sweep.yaml --set "data.root=$work/data" --set '~sweep'
    --set data.batch_size=4 --set distributed.ranks_per_node=4
    --set train.max_steps="${RANK_STEPS:-1000}")
  local count victim pid steps process difference
  for count in 1 2 4; do
    ranks "$count" -o "$work/ranks-$count" >"$work/ranks.log" 2>&1 \
      || fail "$count ranks: $(tail "$work/ranks.log")"
    difference=$(compare "$work/ranks-1" "$work/ranks-$count") \
      || fail "$count ranks take other steps than one process: $difference"
    echo "check-cluster: $count ranks: $difference"
  done

  for victim in 0 1 3; do
    ranks 4 -o "$work/death-$victim" >"$work/death.log" 2>&1 &
    pid=$!
    until compgen -G "$work/death-$victim/small-sweep/*/checkpoints/last" >/dev/null; do sleep 0.1; done
    sleep "0.$((RANDOM % 9 + 1))"
    for process in $(pgrep -f "attune train .* -o $work/death-$victim " || true); do
      if tr '\0' '\n' <"/proc/$process/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$victim"; then
        kill -KILL "$process"
      fi
    done
    if wait "$pid"; then fail "the job ended well without rank $victim"; fi
    steps=$(grep -c '"step"' "$work"/death-"$victim"/small-sweep/*/steps.jsonl)
    ((steps < ${RANK_STEPS:-1000})) || fail "rank $victim died too late"
    ranks 2 -o "$work/death-$victim" >"$work/death.log" 2>&1 \
      || fail "does not go on after the death of rank $victim: $(tail "$work/death.log")"
    difference=$(compare "$work/ranks-1" "$work/death-$victim") \
      || fail "other steps after the death of rank $victim: $difference"
    echo "check-cluster: rank $victim of 4 killed near step $steps, went on with 2: $difference"
  done

  local start
  start=$(date +%s%N)
  ranks 4 --set train.max_steps=1 --set train.eval_every=1 -o "$work/start" >"$work/start.log" 2>&1
  echo "check-cluster: one step by 4 ranks, start and report included:" \
    "$((($(date +%s%N) - start) / 1000000)) ms"
}

make_data
if [[ $part != mpi ]]; then check_slurm; fi
if [[ $part != slurm ]]; then check_mpi; fi

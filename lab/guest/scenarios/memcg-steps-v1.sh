# Steps under cgroup v1; see memcg-steps.sh.
step() { # NAME WHAT SECONDS LIMIT|none ARGUMENTS...
	name=$1 what=$2 time=$3 limit_bytes=$4
	shift 4
	group_new "$name"
	[ "$limit_bytes" = none ] || group_set limit_in_bytes "$limit_bytes"
	run_load "$time" "$@"
	report "$name" "$what"
}
alone() {
	step "$@"
	close_group
	forget
}
M20=$((20 * mib)) M30=$((30 * mib)) M50=$((50 * mib))

alone v1_anon50_lim30 "50M anon, limit 30M, no swap" 10 $M30 anon $M50
alone v1_cache50_lim30 "read 50M sparse file, limit 30M" 10 $M30 read /mnt/sparse50 $M50
alone v1_write50_lim30 "buffered write 50M, limit 30M" 10 $M30 write /mnt/new1 $M50
rm /mnt/new1

step v1_cache50_then_lim20 "50M cache then limit 20M" 3 none read /mnt/sparse50 $M50
ask group_set limit_in_bytes $M20
report v1b_after "after limit 20M"
close_group
forget

step v1_anon50_then_lim20 "50M anon then limit 20M (no swap)" 3 none anon $M50
ask group_set limit_in_bytes $M20
report v1c_after "after writing limit 20M (write fails with EBUSY if it cannot reclaim)"
close_group

group_new v1_oomdis
group_set limit_in_bytes $M30
uptime_now
began=$now code=running
report v1_oomdis "50M anon, limit 30M, oom_control 1 set after start"
group_set oom_control 1
run_load 5 anon $M50
report v1_oomdis_after "OOM killer disabled: task must sleep in mem_cgroup_oom_synchronize (state D)"
cat "/proc/$load_pid/stack" >/out/oom_disabled_task_stack.txt
blocked_tasks "OOM killer disabled"
group_set limit_in_bytes $((60 * mib))
sleep 3
report v1_oomdis_raised "limit raised to 60M: task goes on"
close_group

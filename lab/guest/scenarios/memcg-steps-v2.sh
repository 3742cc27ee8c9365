# Steps under cgroup v2; see memcg-steps.sh.
step() { # NAME WHAT SECONDS "FILE=VALUE ..." ARGUMENTS...
	name=$1 what=$2 time=$3 settings=$4
	shift 4
	group_new "$name"
	for s in $settings; do group_set "${s%%=*}" "${s#*=}"; done
	run_load "$time" "$@"
	report "$name" "$what"
}
alone() {
	step "$@"
	close_group
	forget
}
M30=$((30 * mib)) M50=$((50 * mib)) M31=$((31 * mib)) M20=$((20 * mib))

alone s1_anon50_max30_noswap "50M anon, memory.max 30M, no swap" 10 "max=$M30" anon $M50
alone s2_cache50_max30 "read 50M sparse ext4 file, memory.max 30M" 30 "max=$M30" read /mnt/sparse50 $M50 end
alone s3_cache50disk_max30 "read 50M written ext4 file, memory.max 30M" 30 "max=$M30" read /mnt/written50 $M50 end
alone s4_write50_max30 "buffered write of 50M, memory.max 30M" 60 "max=$M30" write /mnt/new4 $M50 end
rm /mnt/new4
alone s5_anon31_high30 "31M anon, memory.high 30M, no swap" 20 "high=$M30" anon $M31
alone s6_anon50_high30 "50M anon, memory.high 30M, no swap, sampled after 20 s" 20 "high=$M30" anon $M50
alone s7_cache50_high30 "read 50M sparse file, memory.high 30M" 30 "high=$M30" read /mnt/sparse50 $M50 end
alone s8_cache31_high30 "read 31M sparse file, memory.high 30M" 30 "high=$M30" read /mnt/sparse31 $M31 end

step s9_cache50_then_max20 "50M cache charged, then memory.max lowered to 20M" 3 "" read /mnt/sparse50 $M50
ask group_set max $M20
report s9b_after_max20 "after writing memory.max=20M"
close_group
forget

step s10_anon50_then_max20 "50M anon charged, then memory.max lowered to 20M, no swap" 3 "" anon $M50
ask group_set max $M20
sleep 1
report s10b_after_max20 "after writing memory.max=20M"
close_group

step s11_cache50_reclaim10 "50M cache charged, then memory.reclaim 10M" 3 "" read /mnt/sparse50 $M50
ask group_set reclaim 10M
report s11b_after_reclaim10 "after writing memory.reclaim=10M"
close_group
forget

group_new s12
parent=$group
group_set max $((100 * mib))
echo +memory >"$parent/cgroup.subtree_control"
group=$parent/protected
mkdir "$group"
group_set low $M50
run_load 8 read /mnt/sparse60 $((60 * mib))
protected_pid=$load_pid
group=$parent/unprotected
mkdir "$group"
run_load 8 read /mnt/sparse100 $((100 * mib))
unprotected_pid=$load_pid
group=$parent/protected
report s12_low_protected "sibling with memory.low 50M, 60M cache; parent max 100M, then other sibling reads 100M"
group=$parent/unprotected
report s12_low_unprotected "sibling without protection, 100M cache read"
group=$parent
report s12_parent "the parent"
for pair in "protected $protected_pid" "unprotected $unprotected_pid"; do
	group=$parent/${pair% *}
	load_pid=${pair#* }
	close_group
done
group=$parent
load_pid=
close_group
forget

group_new s13_oom_group
group_set max $M30
group_set oom.group 1
load_in_group sleep sleeper0
load_in_group sleep sleeper1
run_load 4 anon $M50
report s13_oom_group "memory.oom.group=1, 2 sleepers + 50M anon, memory.max 30M"
close_group

mkswap /dev/vdc >/dev/null && swapon /dev/vdc && say "swap on /dev/vdc"
alone s14_anon50_max30_swap "50M anon, memory.max 30M, 128M swap" 12 "max=$M30" anon $M50
alone s15_anon50_high30_swap "50M anon, memory.high 30M, 128M swap" 12 "high=$M30" anon $M50
alone s16_anon50_max30_swapmax10 "50M anon, memory.max 30M, swap.max 10M" 10 "max=$M30 swap.max=$((10 * mib))" anon $M50
swapoff /dev/vdc

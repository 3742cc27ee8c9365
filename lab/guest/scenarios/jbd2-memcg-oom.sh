# Tasks of one small memory cgroup make directories and files on ext4; a few tasks outside do the same, one syncs.
on_disk
group_new wedge
group_limit $((limit_mib * 1048576))
trace_begin
uptime_now
say "load starts at $now: cgroup $cgroup, limit $limit_mib MiB, $tasks tasks in it, $outside outside"
i=0
while [ $i -lt "$outside" ]; do
	load create /mnt "outside$i" 400 "$file_kib" &
	i=$((i + 1))
done
load fsync /mnt/synced fsyncer &
i=0
while [ $i -lt "$tasks" ]; do
	load_in_group create /mnt "creat$i" 400 "$file_kib"
	i=$((i + 1))
done
watch "$seconds" "$quiet_seconds"
collect

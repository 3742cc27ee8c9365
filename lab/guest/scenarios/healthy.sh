# The load of jbd2-memcg-oom with room enough, on a disk that keeps up.
on_disk
group_new roomy
group_limit $((limit_mib * 1048576))
trace_begin
uptime_now
say "load starts at $now: cgroup $cgroup, limit $limit_mib MiB, $tasks tasks in it"
load fsync /mnt/synced fsyncer &
i=0
while [ $i -lt "$tasks" ]; do
	load_in_group create /mnt "creat$i" 40 64
	i=$((i + 1))
done
watch "$seconds" 0
collect

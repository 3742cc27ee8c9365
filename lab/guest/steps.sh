# One step of the number tables: a group with its settings, a load in it, its counters at the end or after a given time.
mib=1048576

# group_set FILE VALUE: writes memory.FILE of $group; the exit code is the kernel's answer
group_set() { echo "$2" >"$group/memory.$1" 2>/dev/null; }

# run_load SECONDS ARGUMENTS...: starts the load program in $group and waits at most so long; $code is its exit code, or running
run_load() {
	limit=$(($1 * 10))
	shift
	uptime_now
	began=$now
	load_in_group "$@"
	pid=$!
	code=running
	i=0
	while [ $i -lt $limit ]; do
		i=$((i + 1))
		sleep 0.1
		[ -e "/proc/$pid/exe" ] && continue
		wait "$pid"
		code=$?
		break
	done
	load_pid=$pid
}

# report NAME WHAT: the counters of $group as they are now, as one step of the table
report() {
	uptime_now
	{
		echo "== step $1"
		echo "what: $2"
		echo "rc: $code"
		echo "began: $began"
		echo "ended: $now"
		group_counters
	} >>/out/steps.txt
	say "step $1: rc $code"
}

# ask COMMAND...: one thing done to the group; $code is its exit code
ask() {
	uptime_now
	began=$now
	"$@"
	code=$?
}

# close_group: ends whoever is left in it and takes it away
close_group() {
	while read -r pid; do kill -9 "$pid"; done <"$group/cgroup.procs"
	[ -n "$load_pid" ] && wait "$load_pid" 2>/dev/null
	i=0
	while ! rmdir "$group" 2>/dev/null && [ $i -lt 30 ]; do
		i=$((i + 1))
		sleep 0.1
	done
}

# The files that the steps read; not one page of them is in memory afterwards.
make_files() {
	truncate -s 50M /mnt/sparse50
	truncate -s 31M /mnt/sparse31
	truncate -s 60M /mnt/sparse60
	truncate -s 100M /mnt/sparse100
	dd if=/dev/zero of=/mnt/written50 bs=1M count=50 2>/dev/null
	sync
	forget
}
forget() { echo 3 >/proc/sys/vm/drop_caches; }

# The numbers of these tables are those of single pages.
echo never >/sys/kernel/mm/transparent_hugepage/enabled

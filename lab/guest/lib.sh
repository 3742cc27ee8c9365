# What the scenarios share. Nothing here touches the file system under test: on a wedged one the script would hang too.

# into the kernel log, with a time stamp, and so onto the serial console
say() { echo "lab: $*" >/dev/kmsg; }

uptime_now() { read -r now _ </proc/uptime; }

# seconds since the boot as a whole number, in `second`
second_now() { uptime_now; second=${now%.*}; }

# on_disk: makes the first disk the file system under test at /mnt (made by the host)
on_disk() {
	mount -t ext4 "${1:-/dev/vda}" /mnt && uptime_now && say "mounted ${1:-/dev/vda} at $now"
}

# group_new NAME [V2-PARENT]: makes a memory cgroup of the version asked for, and sets $group
group_new() {
	if [ "$cgroup" = v1 ]; then
		[ -e /sys/fs/cgroup/memory.usage_in_bytes ] || mount -t cgroup -o memory memory /sys/fs/cgroup
	else
		[ -e /sys/fs/cgroup/cgroup.controllers ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	fi
	group=/sys/fs/cgroup/$1
	mkdir "$group"
}

# group_limit BYTES
group_limit() {
	if [ "$cgroup" = v1 ]; then echo "$1" >"$group/memory.limit_in_bytes"; else echo "$1" >"$group/memory.max"; fi
}

# load_in_group ARGUMENTS...: starts the load program in the background; it joins $group; its pid is in $!
load_in_group() { load in "$group/cgroup.procs" "$@" & }

# The counters of $group as titled sections, the way they are read by hand: grep'd files with their names above.
group_counters() {
	for f in usage_in_bytes limit_in_bytes max_usage_in_bytes failcnt kmem.usage_in_bytes oom_control current max high \
		swap.current events stat pressure; do
		[ -r "$group/memory.$f" ] || continue
		echo "-- memory.$f"
		cat "$group/memory.$f"
	done
}

# One row of the disk's counters; sectors written go into $sectors.
sample() {
	uptime_now
	sectors=0
	while read -r major minor disk reads rmerged rsectors rms writes wmerged wsectors rest; do
		[ "$disk" = "${watched_disk:-vda}" ] || continue
		sectors=$wsectors
		{
			echo "== t=$now"
			echo "$major $minor $disk $reads $rmerged $rsectors $rms $writes $wmerged $wsectors $rest"
		} >>/out/diskstats.txt
	done </proc/diskstats
}

# tasks in D state, into $blocked: the state stands behind the name, which may hold anything
count_blocked() {
	blocked=0
	for p in /proc/[0-9]*; do
		read -r line <"$p/stat" 2>/dev/null || continue
		case "${line##*) }" in D*) blocked=$((blocked + 1)) ;; esac
	done
}

# longer samples, every few seconds
sample_more() {
	{
		echo "== t=$now"
		cat /proc/vmstat
	} >>/out/vmstat.txt
	[ -z "$group" ] && return
	{
		echo "== t=$now"
		group_counters
	} >>/out/memcg.txt
}

# watch SECONDS QUIET: samples every second; ends early when QUIET seconds long (0: never) nothing was written to the disk
watch() {
	second_now
	until=$((second + $1))
	quiet=$2
	last=
	told=$second
	while [ "$second" -lt "$until" ]; do
		sample
		second_now
		[ "$sectors" = "$last" ] || changed=$second
		still=$((second - changed))
		[ "$quiet" -gt 0 ] && trace_while_moving
		last=$sectors
		if [ $((second - told)) -ge 5 ]; then
			sample_more
			count_blocked
			say "t=$now sectors written $sectors, nothing written for $still s, tasks in D state $blocked"
			told=$second
		fi
		[ "$quiet" -gt 0 ] && [ "$still" -ge "$quiet" ] && say "nothing written for $still s" && return
		sleep 1
	done
}

# SysRq-w: the blocked tasks; the label is for people
blocked_tasks() {
	say "sysrq-w $1"
	echo w >/proc/sysrq-trigger
	uptime_now
	sleep 1
}

# The stacks of all tasks in D state from /proc, as `== PID COMM WCHAN` and their lines.
proc_stacks() {
	for p in /proc/[0-9]*; do
		read -r line <"$p/stat" 2>/dev/null || continue
		case "${line##*) }" in D*) ;; *) continue ;; esac
		read -r comm <"$p/comm"
		read -r wchan <"$p/wchan"
		echo "== ${p#/proc/} $comm $wchan"
		cat "$p/stack"
	done >/out/dstacks.txt
}

# What a wedged or slow machine is asked, as its owner would: blocked tasks twice, counters before and after, their stacks.
collect() {
	sample
	blocked_tasks first
	sleep "${collect_seconds:-10}"
	sample
	sample_more
	blocked_tasks second
	proc_stacks
	cat /proc/meminfo >/out/meminfo.txt
}

trace=/sys/kernel/tracing

# trace_begin: the probes of /lab/probes and the events of /lab/events, those that this kernel has
trace_begin() {
	[ "$traced" = yes ] || return
	echo 0 >$trace/tracing_on
	echo "${trace_kb:-4000}" >$trace/buffer_size_kb
	while read -r probe; do
		echo "$probe" >>$trace/kprobe_events 2>/dev/null || say "no probe: $probe"
	done </lab/probes
	[ -e $trace/events/lab/enable ] && echo 1 >$trace/events/lab/enable
	while read -r event; do
		[ -e "$trace/events/$event/enable" ] && echo 1 >"$trace/events/$event/enable"
	done </lab/events
	echo 1 >$trace/tracing_on
}

# On a standstill the ring would fill with retries: it stops, and keeps how it came about.
trace_while_moving() {
	[ "$traced" = yes ] || return
	[ $still -lt 3 ] && wish=1 || wish=0
	[ "$wish" = "$tracing" ] && return
	tracing=$wish
	echo $tracing >$trace/tracing_on
}

trace_end() {
	[ "$traced" = yes ] || return
	echo 0 >$trace/tracing_on
	cat $trace/kprobe_events >/out/kprobe_events.txt
	cat $trace/kprobe_profile >/out/kprobe_profile.txt
	for cpu in $trace/per_cpu/cpu*; do
		echo "${cpu##*/}"
		cat "$cpu/stats"
	done >/out/trace_stats.txt
	cat $trace/trace >/out/trace.txt
}

# A tar archive on the second disk; the host knows its format and needs no mount.
bring_back() {
	tar -cf - -C /out . | dd of=/dev/vdb bs=64k conv=fsync 2>/dev/null && say "results written"
}

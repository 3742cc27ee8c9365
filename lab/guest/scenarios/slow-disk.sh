# Many tasks fsync on a disk that does few requests a second: long waits that all end.
on_disk
trace_begin
uptime_now
say "load starts at $now: $tasks tasks fsync"
i=0
while [ $i -lt "$tasks" ]; do
	load fsync "/mnt/synced$i" "fsyncer$i" &
	i=$((i + 1))
done
watch "$seconds" 0
collect

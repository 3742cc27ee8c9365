# An administrator freezes a busy file system, writers pile up, and later he thaws it.
on_disk
trace_begin
uptime_now
say "load starts at $now: $tasks tasks fsync, one renames, two create"
i=0
while [ $i -lt "$tasks" ]; do
	load fsync "/mnt/synced$i" "fsyncer$i" &
	i=$((i + 1))
done
load rename /mnt renamer &
load create /mnt creat0 40 64 &
load create /mnt creat1 40 64 &
watch 3 0
fsfreeze --freeze /mnt
uptime_now
say "frozen at $now"
watch "$seconds" 0
collect
trace_end
traced=no
before=$sectors
fsfreeze --unfreeze /mnt
uptime_now
say "thawed at $now"
watch 3 0
say "sectors written after the thaw: $((sectors - before))"

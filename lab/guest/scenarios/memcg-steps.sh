# The number tables of the memory controller: what a kernel counts at each step.
. /lab/steps.sh
on_disk
trace_begin
make_files
. "/lab/scenarios/memcg-steps-$cgroup.sh"

/**
 * SOURCE: test/cases/seed0-abba-strike-traced, kernel.log lines 273-481: a 6.1.192 kernel with the protection of
 * commit 63f3655f9501 taken out, driven into the deadlock of the first document.
 */
export const ABBA_LOG = String.raw`[   20.916762] INFO: task kworker/u4:1:24 blocked for more than 10 seconds.
[   20.917028]       Not tainted 6.1.192-labi #1
[   20.917138] "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
[   20.917286] task:kworker/u4:1    state:D stack:0     pid:24    ppid:2      flags:0x00004000
[   20.917536] Workqueue: writeback wb_workfn (flush-254:0)
[   20.917831] Call Trace:
[   20.928723]  <TASK>
[   20.928896]  __schedule+0x2ec/0x7f0
[   20.929019]  schedule+0x58/0xb0
[   20.929067]  io_schedule+0x46/0x70
[   20.929117]  folio_wait_bit_common+0x124/0x2d0
[   20.929189]  ? filemap_invalidate_unlock_two+0x40/0x40
[   20.929262]  __folio_lock+0x13/0x20
[   20.929320]  trace_clock_x86_tsc+0x10/0x10
[   20.929384]  ext4_writepages+0x364/0x10b0
[   20.929443]  ? __kmem_cache_alloc_node+0x40/0x410
[   20.929509]  ? virtqueue_add_split+0x8e/0x6d0
[   20.929573]  ? virtqueue_add_split+0x8e/0x6d0
[   20.929632]  ? update_group_capacity+0x25/0x1e0
[   20.929698]  ? sched_clock_local+0xe/0x80
[   20.929755]  ? sched_clock_local+0xe/0x80
[   20.929811]  ? sched_clock_local+0xe/0x80
[   20.933955]  ? sched_clock_cpu+0x83/0xa0
[   20.934025]  do_writepages+0x9d/0x180
[   20.934082]  __writeback_single_inode+0x46/0x300
[   20.934150]  writeback_sb_inodes+0x1ab/0x430
[   20.934210]  ? trace_event_buffer_commit+0x66/0x250
[   20.934278]  wb_writeback+0xd6/0x2b0
[   20.934330]  wb_workfn+0xa4/0x460
[   20.934379]  ? __traceiter_sched_switch+0x44/0x60
[   20.934445]  process_one_work+0x1c9/0x390
[   20.934504]  worker_thread+0x4a/0x3a0
[   20.934568]  ? process_one_work+0x390/0x390
[   20.934626]  kthread+0xc0/0xe0
[   20.934671]  ? kthread_complete_and_exit+0x20/0x20
[   20.934736]  ret_from_fork+0x1f/0x30
[   20.934815]  </TASK>
[   20.934894] INFO: task pmdfault0:68 blocked for more than 10 seconds.
[   20.934982]       Not tainted 6.1.192-labi #1
[   20.935043] "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
[   20.935143] task:pmdfault0       state:D stack:0     pid:68    ppid:1      flags:0x00004000
[   20.935277] Call Trace:
[   20.935314]  <TASK>
[   20.935345]  __schedule+0x2ec/0x7f0
[   20.935399]  schedule+0x58/0xb0
[   20.935445]  io_schedule+0x46/0x70
[   20.935494]  folio_wait_bit_common+0x124/0x2d0
[   20.935557]  ? filemap_invalidate_unlock_two+0x40/0x40
[   20.935627]  folio_wait_writeback+0x30/0x70
[   20.935685]  trace_clock_x86_tsc+0x10/0x10
[   20.935747]  shrink_lruvec+0x6b2/0xb10
[   20.935804]  shrink_node+0x2c7/0x790
[   20.935855]  do_try_to_free_pages+0xbb/0x440
[   20.935915]  try_to_free_mem_cgroup_pages+0xf0/0x1d0
[   20.935984]  trace_clock_x86_tsc+0x10/0x10
[   20.936043]  ? try_charge_memcg+0x5/0x7f0
[   20.936099]  trace_clock_x86_tsc+0x10/0x10
[   20.936156]  __alloc_pages+0x152/0x280
[   20.936212]  pte_alloc_one+0x18/0x60
[   20.936265]  __pte_alloc+0x16/0x80
[   20.936314]  ? finish_fault+0x5/0x210
[   20.936365]  finish_fault+0x1de/0x210
[   20.936416]  __handle_mm_fault+0x815/0xd70
[   20.936474]  handle_mm_fault+0x119/0x1e0
[   20.936529]  do_user_addr_fault+0x138/0x470
[   20.936588]  exc_page_fault+0x71/0x130
[   20.936643]  asm_exc_page_fault+0x22/0x30
[   20.936754] RIP: 0033:0x40181b
[   20.936899] RSP: 002b:00007ffd9a794bb0 EFLAGS: 00000246
[   20.936982] RAX: 00007f9e2cc00000 RBX: 0000000000000571 RCX: 00000000004463b3
[   20.937077] RDX: 00000000000000c8 RSI: 0000000000001000 RDI: 00007f9e2cc00000
[   20.937171] RBP: 00000000000001f4 R08: 0000000000000003 R09: 0000000000189000
[   20.937265] R10: 0000000000000011 R11: 0000000000000246 R12: 00000000000000c7
[   20.937359] R13: 00007f9e2cc00000 R14: 0000000000000000 R15: 0000000000000001
[   20.937479]  </TASK>
[   20.937512] INFO: task pmdfault1:69 blocked for more than 10 seconds.
[   20.937594]       Not tainted 6.1.192-labi #1
[   20.937652] "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
[   20.937750] task:pmdfault1       state:D stack:0     pid:69    ppid:1      flags:0x00004000
[   20.938735] Call Trace:
[   20.938779]  <TASK>
[   20.938812]  __schedule+0x2ec/0x7f0
[   20.938869]  schedule+0x58/0xb0
[   20.938916]  io_schedule+0x46/0x70
[   20.938965]  folio_wait_bit_common+0x124/0x2d0
[   20.939029]  ? filemap_invalidate_unlock_two+0x40/0x40
[   20.939099]  folio_wait_writeback+0x30/0x70
[   20.939157]  trace_clock_x86_tsc+0x10/0x10
[   20.939217]  shrink_lruvec+0x6b2/0xb10
[   20.939274]  shrink_node+0x2c7/0x790
[   20.939325]  do_try_to_free_pages+0xbb/0x440
[   20.939384]  try_to_free_mem_cgroup_pages+0xf0/0x1d0
[   20.939452]  trace_clock_x86_tsc+0x10/0x10
[   20.939511]  ? try_charge_memcg+0x5/0x7f0
[   20.939567]  trace_clock_x86_tsc+0x10/0x10
[   20.939625]  __alloc_pages+0x152/0x280
[   20.939681]  pte_alloc_one+0x18/0x60
[   20.939733]  __pte_alloc+0x16/0x80
[   20.939782]  ? finish_fault+0x5/0x210
[   20.939834]  finish_fault+0x1de/0x210
[   20.939885]  __handle_mm_fault+0x815/0xd70
[   20.939944]  handle_mm_fault+0x119/0x1e0
[   20.939999]  do_user_addr_fault+0x138/0x470
[   20.940058]  exc_page_fault+0x71/0x130
[   20.940113]  asm_exc_page_fault+0x22/0x30
[   20.940175] RIP: 0033:0x40181b
[   20.940223] RSP: 002b:00007ffc8fde4ab0 EFLAGS: 00000246
[   20.940295] RAX: 00007ff856400000 RBX: 0000000000000c0f RCX: 00000000004463b3
[   20.945973] RDX: 00000000000001b9 RSI: 0000000000001000 RDI: 00007ff856400000
[   20.946098] RBP: 00000000000001f4 R08: 0000000000000003 R09: 000000000043f000
[   20.946189] R10: 0000000000000011 R11: 0000000000000246 R12: 00000000000001b9
[   20.946280] R13: 00007ff856400000 R14: 00000000000003e8 R15: 0000000000000000
[   20.946388]  </TASK>
[   20.946425] INFO: task pmdfault2:70 blocked for more than 10 seconds.
[   20.946512]       Not tainted 6.1.192-labi #1
[   20.946573] "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
[   20.946670] task:pmdfault2       state:D stack:0     pid:70    ppid:1      flags:0x00004000
[   20.946795] Call Trace:
[   20.946836]  <TASK>
[   20.946867]  __schedule+0x2ec/0x7f0
[   20.946939]  schedule+0x58/0xb0
[   20.946986]  io_schedule+0x46/0x70
[   20.947035]  folio_wait_bit_common+0x124/0x2d0
[   20.947101]  ? filemap_invalidate_unlock_two+0x40/0x40
[   20.947172]  folio_wait_writeback+0x30/0x70
[   20.947232]  trace_clock_x86_tsc+0x10/0x10
[   20.947293]  shrink_lruvec+0x6b2/0xb10
[   20.947350]  shrink_node+0x2c7/0x790
[   20.947401]  do_try_to_free_pages+0xbb/0x440
[   20.947460]  try_to_free_mem_cgroup_pages+0xf0/0x1d0
[   20.947529]  trace_clock_x86_tsc+0x10/0x10
[   20.947588]  ? try_charge_memcg+0x5/0x7f0
[   20.947645]  trace_clock_x86_tsc+0x10/0x10
[   20.947703]  __alloc_pages+0x152/0x280
[   20.947759]  pte_alloc_one+0x18/0x60
[   20.947811]  __pte_alloc+0x16/0x80
[   20.947861]  ? finish_fault+0x5/0x210
[   20.947912]  finish_fault+0x1de/0x210
[   20.947964]  __handle_mm_fault+0x815/0xd70
[   20.948052]  handle_mm_fault+0x119/0x1e0
[   20.948107]  do_user_addr_fault+0x138/0x470
[   20.948167]  exc_page_fault+0x71/0x130
[   20.948222]  asm_exc_page_fault+0x22/0x30
[   20.948282] RIP: 0033:0x40181b
[   20.948330] RSP: 002b:00007ffc8763d1a0 EFLAGS: 00000246
[   20.956633] RAX: 00007f2352c00000 RBX: 00000000000004e5 RCX: 00000000004463b3
[   20.956773] RDX: 00000000000000b3 RSI: 0000000000001000 RDI: 00007f2352c00000
[   20.956867] RBP: 00000000000001f4 R08: 0000000000000003 R09: 00000000008cd000
[   20.956960] R10: 0000000000000011 R11: 0000000000000246 R12: 00000000000000b3
[   20.957051] R13: 00007f2352c00000 R14: 00000000000007d0 R15: 0000000000000000
[   20.957152]  </TASK>
[   20.957189] INFO: task dirtier0:71 blocked for more than 10 seconds.
[   20.957277]       Not tainted 6.1.192-labi #1
[   20.957338] "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
[   20.957437] task:dirtier0        state:D stack:0     pid:71    ppid:1      flags:0x00000000
[   20.957567] Call Trace:
[   20.957610]  <TASK>
[   20.957642]  __schedule+0x2ec/0x7f0
[   20.957723]  schedule+0x58/0xb0
[   20.957770]  io_schedule+0x46/0x70
[   20.957821]  folio_wait_bit_common+0x124/0x2d0
[   20.957915]  ? filemap_invalidate_unlock_two+0x40/0x40
[   20.958017]  __filemap_get_folio+0x2a1/0x2d0
[   20.958080]  pagecache_get_page+0x11/0xf0
[   20.958138]  ext4_da_write_begin+0xb8/0x220
[   20.958199]  ? generic_write_end+0x6a/0x120
[   20.958260]  generic_perform_write+0xcf/0x210
[   20.958324]  ext4_buffered_write_iter+0x8c/0x130
[   20.958391]  vfs_write+0x1d7/0x380
[   20.958446]  __x64_sys_pwrite64+0x72/0xb0
[   20.958503]  do_syscall_64+0x2b/0x50
[   20.958557]  entry_SYSCALL_64_after_hwframe+0x4b/0xb5
[   20.958631] RIP: 0033:0x4450c3
[   20.958680] RSP: 002b:00007fffe18239a8 EFLAGS: 00000202 ORIG_RAX: 0000000000000012
[   20.958827] RAX: ffffffffffffffda RBX: 000000000000043f RCX: 00000000004450c3
[   20.958919] RDX: 0000000000001000 RSI: 00007fffe18239e0 RDI: 0000000000000003
[   20.959010] RBP: 00007fffe18239e0 R08: 0000000000000001 R09: 0000000000000001
[   20.959101] R10: 000000000043f000 R11: 0000000000000202 R12: 0000000000000bb8
[   20.959191] R13: 0000000000000000 R14: 0000000000000003 R15: 000000000043f000
[   20.959285]  </TASK>
[   20.959317] INFO: task syncer:72 blocked for more than 10 seconds.
[   20.959397]       Not tainted 6.1.192-labi #1
[   20.959455] "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
[   20.959552] task:syncer          state:D stack:0     pid:72    ppid:1      flags:0x00000000
[   20.959663] Call Trace:
[   20.959698]  <TASK>
[   20.959729]  __schedule+0x2ec/0x7f0
[   20.959780]  ? __x64_sys_tee+0xd0/0xd0
[   20.959848]  schedule+0x58/0xb0
[   20.959895]  wb_wait_for_completion+0x5e/0x90
[   20.959958]  ? destroy_sched_domains_rcu+0x30/0x30
[   20.960025]  sync_inodes_sb+0xca/0x250
[   20.960080]  ? __queue_work+0x22e/0x440
[   20.960137]  ? __x64_sys_tee+0xd0/0xd0
[   20.960194]  iterate_supers+0x6f/0xd0
[   20.960247]  ksys_sync+0x30/0x80
[   20.960294]  __do_sys_sync+0xa/0x10
[   20.960344]  do_syscall_64+0x2b/0x50
[   20.966963] LAB: t=15 D-state=6 usage=16777216 failcnt=12 wb=writeback 2859008
[   20.968587]  entry_SYSCALL_64_after_hwframe+0x4b/0xb5
[   20.968644] RIP: 0033:0x4462e7
[   20.968658] RSP: 002b:00007fff64938888 EFLAGS: 00000202 ORIG_RAX: 00000000000000a2
[   20.968676] RAX: ffffffffffffffda RBX: 0000000000004e20 RCX: 00000000004462e7
[   20.968680] RDX: 0000000000000000 RSI: 00007fff64938870 RDI: 0000000000000001
[   20.968684] RBP: 408f400000000000 R08: 00007fff649d7080 R09: 0000000000000550
[   20.968688] R10: 0000000000000000 R11: 0000000000000202 R12: 000000000048508b
[   20.968692] R13: 0000000000000012 R14: 0000000000000001 R15: 0000000000000004
[   20.968699]  </TASK>
[   26.153056] LAB: t=20 D-state=6 usage=16777216 failcnt=12 wb=writeback 2859008`;

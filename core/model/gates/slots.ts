import type { Gate } from './gate.ts'

/** Closed while every slot of this process is taken. */
export const slots: Gate = ({ standing: { free, slots: all } }) => ({
  gate: 'slots',
  ok: free > 0,
  code: free > 0 ? 'ok' : 'no_slot',
  message: free > 0 ? `${free} of ${all} slots are free` : `all ${all} slots are taken (manager.scheduler_thread_pool)`,
  observed: all - free,
  required: all,
  clears_at: null,
  certain: false,
  source: '/manager/scheduler_thread_pool'
})

import t from 'tap'
import { createTestManager, simulate } from '../../core/index.ts'
import type { MachineState } from '../../core/model/machine/machine-state.ts'
import type { TaskDefinition } from '../../core/index.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const FROM = Date.parse('2026-03-10T00:00:00Z')
const hourly = { trigger: 'cron', trigger_args: { minute: 10 } } as const
const func = () => 1

const TASKS: TaskDefinition[] = [
  { id: 'index', type: 'indexing', ...hourly, func },
  { id: 'mail', ...hourly, func },
  { id: 'backup', type: 'backup', trigger: 'cron', trigger_args: { hour: '1,13', minute: 0 }, func },
  { id: 'website', type: 'check', trigger: 'cron', trigger_args: { minute: '*/5' }, func }
]

/** Simulates a day with this state of the machine; returns how many ms each run waited, by task. */
async function day (state: MachineState | ((minute: number) => MachineState)) {
  const at = (minute: number) => typeof state === 'function' ? state(minute) : state
  const readings = Array.from({ length: typeof state === 'function' ? 24 * 60 : 1 },
    (_, minute) => ({ at: FROM + minute * MINUTE, ...at(minute) }))
  const { runs } = await simulate({
    from: FROM,
    to: FROM + 24 * HOUR,
    tasks: TASKS,
    readings,
    took: { index: MINUTE, mail: 1000, backup: 10 * MINUTE, website: 1000 },
    config: { manager: { timezone: 'UTC' } }
  })
  return Map.groupBy(
    runs.map(({ task, due_at: due, started_at: started }) => ({
      task,
      waited: started === null ? Infinity : started - due
    })),
    ({ task }) => task
  )
}

const longest = (runs: Awaited<ReturnType<typeof day>>, task: string) =>
  Math.max(...runs.get(task)!.map(({ waited }) => waited))

const BUSY: [string, MachineState | ((minute: number) => MachineState)][] = [
  ['two processors at 95 %', { cpu: { busy: 0.95, own: 0, cores: 2 } }],
  ['two processors at 100 %, with high pressure', {
    cpu: { busy: 1, own: 0, cores: 2 },
    pressure: { cpu: { some: 95, full: 'unknown' } }
  }],
  ['a disk that is always busy', { io: { busy: 1, bytes_per_s: 5e7 } }],
  ['memory that is always at 85 %', { memory: { used: 0.85, available_bytes: 6e8 } }],
  ['load that varies around the limit', minute => ({ cpu: { busy: minute % 7 < 3 ? 0.6 : 0.9, own: 0, cores: 2 } })]
]

for (const [what, state] of BUSY) {
  t.test(`a machine on mains that is busy all day completes its work: ${what}`, async t => {
    const runs = await day(state)
    t.strictSame([...runs].map(([task, all]) => [task, all.length]).toSorted(), [['backup', 2], ['index', 24], ['mail',
      24], ['website', 288]])
    for (const task of ['backup', 'index', 'mail']) {
      t.ok(longest(runs, task) <= 31 * MINUTE, `${task} waits at most ${longest(runs, task) / MINUTE} minutes`)
    }
    t.equal(longest(runs, 'website'), 0, 'monitors never wait')
  })
}

t.test('two busy hours delay work by half an hour at most', async t => {
  const runs = await day(minute => ({
    cpu: { busy: minute >= 20 * 60 && minute < 22 * 60 ? 0.9 : 0.1, own: 0, cores: 2 }
  }))
  const waited = runs.get('mail')!.map(one => Math.round(one.waited / MINUTE))
  t.strictSame(waited.map(minutes => minutes > 0), Array.from({ length: 24 }, (_, hour) => hour === 20))
  t.ok(waited[20]! >= 15 && waited[20]! <= 31)
})

t.test('a machine that is 8 % busy with a short spike each minute starts runs at once', async t => {
  const kit = await createTestManager({ reading: { cpu: { busy: 0.95, own: 0 } }, tasks: [{ id: 'work', func }] })
  t.teardown(() => kit.close())
  const run = await kit.manager.desk.enqueue('work')
  await kit.advance('2m')
  t.equal((await kit.manager.desk.run(run.run.id)).state, 'queued')
  for (let minute = 0; minute < 3; minute++) {
    await kit.set({ cpu: { busy: 0.75, own: 0 } })
    await kit.advance(5000)
    await kit.set({ cpu: { busy: 0.08, own: 0 } })
    await kit.advance(55_000)
  }
  t.equal((await kit.manager.desk.run(run.run.id)).state, 'completed')
  t.equal((await kit.enqueue('work')).state, 'completed')
})

import t from 'tap'
import { harness, scratch } from './harness.ts'
import type { Task } from '../../core/model/task/task.ts'

type Given = Parameters<typeof harness>[1]

const AT = '2026-11-22T12:00:00Z'
const iso = (at: number | null) => at === null ? null : new Date(at).toISOString().slice(11, 19)

/** A started harness with a schedule of every ten minutes. `fires`: the instants of all its runs. */
async function setup (t: Parameters<typeof harness>[0], given: Partial<Exclude<Given, undefined>> = {}) {
  const it = await harness(t, { tasks: [{ overlap: 'queue' } as Partial<Task>], at: AT, ...given })
  const made = await it.desk.schedule({
    task: 'work',
    trigger: '*/10 * * * *',
    payload: { a: 1, b: { c: 2 } },
    by: 'ann'
  })
  const change = (patch: object) => it.desk.changeSchedule(made.id, { ...patch, by: 'bert' })
  const fireAt = async (time: string) => {
    it.clock.set(`2026-11-22T${time}Z`)
    await it.fire()
  }
  const fires = async () =>
    (await it.engine.list({ schedule: made.id, limit: 50 })).items.map(run => iso(run.nominal_at)).toSorted()
  return { ...it, made, change, fireAt, fires }
}

t.test('a schedule is changed in place: its id, maker and runs stay, and the change is recorded', async t => {
  const { made, change, desk, engine, fireAt, fires } = await setup(t)
  await fireAt('12:10:00')
  const changed = await change({ trigger: '*/15 * * * *', timezone: 'Europe/Rome', payload: { a: null, b: { d: 3 } } })
  t.match(changed, {
    id: made.id,
    task: 'work',
    trigger: '*/15 * * * *',
    timezone: 'Europe/Rome',
    payload: { b: { c: 2, d: 3 } },
    created_at: made.created_at,
    created_by: 'ann'
  })
  t.notOk('a' in (changed.payload as object), 'null removes a member')
  t.equal(iso(changed.next_at), '12:15:00')
  await fireAt('12:15:00')
  t.strictSame(await fires(), ['12:10:00', '12:15:00'])
  t.match((await engine.records({ limit: 1 }))[0], {
    by: 'bert',
    action: 'reschedule',
    subject: made.id,
    detail: { task: 'work', trigger: '*/15 * * * *', payload: 'changed' }
  })
  t.equal(desk.schedules.length, 1)
})

t.test('what was due before the change fires once, and no instant fires twice', async t => {
  const { change, clock, fire, fires, fireAt } = await setup(t)
  clock.set('2026-11-22T12:10:02Z')
  await change({ trigger: '*/5 * * * *' })
  await fire()
  t.strictSame(await fires(), ['12:10:00'], 'the fire of the old trigger, not again by the new one')
  await fireAt('12:15:00')
  await change({ trigger: '*/15 * * * *' })
  await change({ trigger: '*/5 * * * *' })
  await fireAt('12:15:01')
  await fireAt('12:20:00')
  t.strictSame(await fires(), ['12:10:00', '12:15:00', '12:20:00'])
})

t.test('a fire that became a run ahead of its instant is not fired again by another trigger', async t => {
  const { change, fires, fireAt } = await setup(t, { leadMs: 2000 } as object)
  await fireAt('12:09:59')
  t.equal(iso((await change({ trigger: '*/5 * * * *' })).next_at), '12:15:00', 'not 12:10, which has fired')
  await change({ trigger: 'interval', trigger_args: { minutes: 5 } })
  await fireAt('12:10:00')
  await fireAt('12:14:59')
  t.strictSame(await fires(), ['12:10:00', '12:14:59'])
})

t.test('a change that says nothing new keeps the place of the schedule', async t => {
  const { desk, made, change, clock } = await setup(t)
  const { id } = await desk.schedule({ task: 'work', trigger: 'interval', trigger_args: { minutes: 7 }, by: 'ann' })
  const before = desk.scheduled(id)
  clock.set('2026-11-22T12:03:00Z')
  const same = await desk.changeSchedule(id, { trigger: 'interval', trigger_args: { minutes: 7 }, by: 'bert' })
  t.equal(iso(same.next_at), '12:07:00', 'the interval does not begin again')
  t.strictSame([same.anchor, same.cursor], [before.anchor, before.cursor])
  const args = await desk.changeSchedule(id, { trigger_args: { hours: 1 }, by: 'bert' })
  t.strictSame(args.trigger_args, { minutes: 7, hours: 1 }, 'arguments of the same trigger are merged')
  t.equal(iso(args.next_at), '13:10:00', 'and the interval begins now')
  t.strictSame((await change({ trigger: 'interval', trigger_args: { hours: 1 } })).trigger_args, { hours: 1 })
  t.equal(desk.scheduled(made.id).trigger, 'interval')
})

t.test('a paused schedule does not fire, misses nothing, and stays paused after a restart', async t => {
  const folder = scratch(t)
  const first = await setup(t, { folder })
  const paused = await first.change({ paused: true })
  t.match([paused.next_at, paused.paused], [null, true])
  t.match(first.desk.scheduleRest(paused), {
    code: 'paused',
    message: `the schedule is paused; it goes on with \`offpeak schedules resume ${paused.id}\``
  })
  t.match(await first.desk.task('work'), { status: 'idle', next_run: null })
  t.match(first.desk.rest(first.desk.definition('work')), { code: 'paused' })
  t.strictSame(first.desk.fires('work', 3), [])
  await first.fireAt('12:30:00')
  t.strictSame(await first.fires(), [])
  await first.close()
  const it = await harness(t, { folder, tasks: [{}], at: '2026-11-22T13:05:00Z' })
  await it.fire()
  t.equal(it.desk.scheduled(paused.id).next_at, null)
  const changed = await it.desk.changeSchedule(paused.id, { trigger: '*/20 * * * *', by: 'bert' })
  t.equal(changed.next_at, null, 'it is still paused with another trigger')
  const resumed = await it.desk.changeSchedule(paused.id, { paused: false, by: 'bert' })
  t.equal(iso(resumed.next_at), '13:20:00')
  await it.fire()
  t.equal((await it.engine.list({ limit: 9 })).items.length, 0, 'nothing is caught up')
})

t.test('a schedule of a disabled task can be changed, and rests until the task is enabled', async t => {
  const it = await setup(t, { tasks: [{ enabled: false }] })
  const changed = await it.change({ trigger: '*/20 * * * *' })
  t.equal(changed.next_at, null)
  t.match(it.desk.scheduleRest(changed), { code: 'task_disabled' })
})

t.test('a wrong change is refused with its place, and changes nothing', async t => {
  const { change, desk, made, clock } = await setup(t, {
    tasks: [{ input: { type: 'object', properties: { a: { type: 'number' } } } } as Partial<Task>, {
      id: 'filed',
      trigger: '@daily'
    } as Partial<Task>]
  })
  const before = desk.scheduled(made.id)
  await t.rejects(change({ trigger: 'cron', trigger_args: { hour: 25 } }), { code: 'OFFPEAK_TRIGGER_INVALID' })
  await t.rejects(change({ trigger: '0 0 30 2 *' }), {
    code: 'OFFPEAK_INPUT_INVALID',
    message: /The schedule was not changed/
  })
  await t.rejects(change({ trigger: 'date', trigger_args: { run_date: '2026-11-22T11:59:59Z' } }), {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: '/trigger_args/run_date' }]
  })
  await t.rejects(change({ payload: { a: 'text' } }), { code: 'OFFPEAK_INPUT_INVALID' })
  await t.rejects(change({ timezone: 'Mars/Olympus' }), { code: 'OFFPEAK_TRIGGER_INVALID' })
  t.strictSame(desk.scheduled(made.id), before)
  await t.rejects(desk.changeSchedule('nope', { paused: true, by: 'bert' }), { code: 'OFFPEAK_SCHEDULE_NOT_FOUND' })
  await t.rejects(desk.changeSchedule('filed', { paused: true, by: 'bert' }), {
    code: 'OFFPEAK_RUN_CONFLICT',
    message: /part of a task file: it cannot be changed here: change the file/
  })
  t.ok(clock.now() > 0)
})

t.test('a change that cannot be stored, or meets one of another process, is refused', async t => {
  const { change, desk, engine, made } = await setup(t)
  const [stored] = (await engine.schedules()).filter(({ id }) => id === made.id)
  await engine.plan([{
    schedule: { ...stored!, cursor: stored!.cursor + 1, payload: 'theirs' },
    from: stored!.cursor,
    fires: [],
    overlap: 'skip',
    now: stored!.cursor + 1
  }])
  await t.rejects(change({ payload: 'mine' }), { code: 'OFFPEAK_RUN_CONFLICT', message: /another process/ })
  t.equal(desk.scheduled(made.id).payload, 'theirs', 'the stored one wins')
  t.equal((await change({ payload: 'mine' })).payload, 'mine')
})

t.test('a change by another owner of the store is followed, although the cursor stays', async t => {
  const { desk, engine, planner, made } = await setup(t)
  const stored = (await engine.schedules()).find(({ id }) => id === made.id)!
  const { cursor } = stored
  await engine.plan([{
    schedule: { ...stored, payload: 'theirs' },
    from: cursor,
    fires: [],
    overlap: 'skip',
    now: cursor
  }])
  await planner.follow()
  t.equal(desk.scheduled(made.id).payload, 'theirs')
})

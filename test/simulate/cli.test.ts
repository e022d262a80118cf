import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { cli, place } from '../cli/setup.ts'

const TASKS = {
  'two.mjs': `export const TASK_DEFINITIONS = [
    { id: 'copy', trigger: 'cron', trigger_args: { hour: 10 }, constraints: { power: 'mains' },
      func: () => { throw new Error('executed') } },
    { id: 'night', trigger: 'cron', trigger_args: { hour: 14 }, constraints: { window: 'off_peak' }, func: () => 1 }]`
}
const SPAN = ['--from', '2026-03-10', '--to', '2026-03-11']

t.test('simulate prints each run with its times and why it was held', async t => {
  const cwd = place(t, { manager: { timezone: 'UTC' } }, TASKS)
  writeFileSync(join(cwd, 'day.csv'), 'at,power,battery_level\n2026-03-10T09:10,battery,80\n2026-03-10T18:00,mains,\n')
  const { code, out } = await cli(['simulate', ...SPAN, '--readings', 'day.csv'], { cwd })
  t.equal(code, 0)
  t.match(out, /: 2 runs\.\n/)
  t.match(out,
    /2026-03-10 10:00:00 +copy +2026-03-10 18:00:00 \(1 m\) +completed +8 h: on battery \(80 %\), needs mains\n/)
  t.match(out, /night +2026-03-10 22:00:00 .*8 h: outside window off_peak\n/)
  const answer = JSON.parse(
    (await cli(['simulate', ...SPAN, '--readings', 'day.csv', '--task', 'copy', '--json'], { cwd })).out
  )
  t.match(answer, {
    from: '2026-03-10T00:00:00.000Z',
    runs: [{
      task: 'copy',
      started_at: '2026-03-10T18:00:00.000Z',
      held: [{ code: 'on_battery', to: '2026-03-10T18:00:00.000Z' }]
    }],
    held: [{ task: 'copy', seconds: 28_800 }]
  })
  t.equal(answer.runs.length, 1)
})

t.test('without readings the machine is calm, and an error in a file is printed with its place', async t => {
  const cwd = place(t, { manager: { timezone: 'UTC' } }, TASKS)
  t.match(await cli(['simulate', ...SPAN], { cwd }), {
    code: 0,
    out: /10:00:00 +copy +2026-03-10 10:00:00/,
    err: /There are no readings of this time range/
  })
  writeFileSync(join(cwd, 'bad.csv'), 'at,colour\n')
  t.match(await cli(['simulate', ...SPAN, '--readings', 'bad.csv'], { cwd }), {
    code: 1,
    err: /the column 'colour', expected[^]*bad\.csv:1:4/
  })
  t.match(await cli(['simulate', ...SPAN, '--readings', 'none.csv'], { cwd }), {
    code: 2,
    err: /none\.csv cannot be read/
  })
  t.match(await cli(['simulate', '--from', 'soon'], { cwd }), { code: 2, err: /--from is 'soon'/ })
  t.match(await cli(['simulate', '--task', 'unknown'], { cwd }), { code: 2, err: /No task has the id 'unknown'/ })
})

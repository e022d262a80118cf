import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../load/until.ts'
import { prepareStory, supplyAt, wordsBy } from '../../core/cli/serve/demo-story.ts'
import type { AddressInfo } from 'node:net'
import type { Sensor } from '../../core/sense/source/sensor-host.ts'
import { cli, launch, serve } from './setup.ts'

const EXAMPLES = ['backup_data', 'check_system', 'check_website_status', 'cleanup_old_files', 'heartbeat',
  'rotate_logs']

t.test('--demo runs built-in tasks on sample files in a temporary folder, and removes it at the end', async t => {
  const cwd = t.testdir({ temp: {} })
  const { output, child, over, url } = await serve(t, ['--demo', '--port', '0'], {
    cwd,
    env: { TMPDIR: join(cwd, 'temp') }
  })
  const tasks = async () => (await (await fetch(`${url}/api/tasks`)).json() as { id: string }[]).map(({ id }) => id)
  await until(async () => (await tasks()).length === EXAMPLES.length)
  t.strictSame((await tasks()).toSorted(), EXAMPLES, 'and no task of the user')
  const done = (task: string) => output.out.includes(`"task":"${task}","state":"completed"`)
  await until(() => ['heartbeat', 'check_website_status', 'backup_data', 'cleanup_old_files'].every(done))
  t.match(output.out, /"notice":"held","run":\{[^}]*"task":"backup_data"\},"code":"on_battery"/)
  const [folder] = readdirSync(join(cwd, 'temp')).filter(name => name.startsWith('offpeak-demo-'))
  const demo = join(cwd, 'temp', folder!)
  t.ok(readdirSync(join(demo, 'backups')).some(name => name.endsWith('.tar.zst')))
  t.same(readdirSync(join(demo, 'downloads')).toSorted(), ['file-1-days-old.txt', 'file-2-days-old.txt',
    'file-3-days-old.txt'])
  child.kill('SIGTERM')
  t.equal(await over, 0)
  t.notOk(existsSync(demo))
  t.same(readdirSync(cwd), ['temp'])
  t.notMatch(output.err, 'getcwd')
})

t.test('a named port that is in use is refused by the demo too', async t => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as AddressInfo
  const cwd = t.testdir({ temp: {} })
  const { code, err } = await cli(['start', '--demo', '--port', String(port)], {
    cwd,
    env: { TMPDIR: join(cwd, 'temp') }
  })
  t.equal(code, 1)
  t.match(err, `offpeak: port ${port} of 127.0.0.1 is in use`)
  t.notOk(readdirSync(join(cwd, 'temp')).some(name => name.startsWith('offpeak-demo-')), 'and leaves nothing behind')
})

t.test('in the story the battery runs down below what tasks need, and charges after 28 s', async t => {
  const levelAt = (ms: number) => supplyAt(ms).battery.level
  t.match(supplyAt(0), { power: 'mains', battery: { charging: true } })
  t.match(supplyAt(8000), { power: 'battery', battery: { level: 78, charging: false } })
  t.ok(levelAt(27_999) < 30, 'normal work needs 30 %')
  t.match(supplyAt(28_000), { power: 'mains', battery: { charging: true } })
  t.ok(levelAt(40_000) > levelAt(28_000))
  t.match(supplyAt(3_600_000), { battery: { level: 100, charging: false } })
})

t.test('each chapter is printed once, when it is due', async t => {
  let now = 5000
  const sensors: Sensor[] = []
  const beats: (() => unknown)[] = []
  const shown: string[] = []
  const manager = {
    clock: { monotonic: () => now },
    senses: { register: (_: string, sensor: Sensor) => sensors.push(sensor) },
    onBeat: (beat: () => unknown) => beats.push(beat)
  }
  const begin = prepareStory(manager as unknown as Parameters<typeof prepareStory>[0], words => void shown.push(words))
  t.match(sensors[0]!.read(), { power: 'mains' }, 'the machine is not its own from the start')
  now = 60_000
  t.strictSame(shown, [])
  begin()
  t.strictSame(shown, wordsBy(0))
  now += 8000
  t.match(sensors[0]!.read(), { power: 'battery' })
  beats[0]!()
  beats[0]!()
  t.strictSame(shown, wordsBy(8000))
  now += 32_000
  beats[0]!()
  t.equal(shown.length, 5)
})

t.test('the command that the demo prints lists its tasks, from any folder', async t => {
  const cwd = t.testdir({ temp: {}, other: {} })
  const { child, output } = launch(['start', '--demo', '--port', '0', '--log', 'pretty'], {
    cwd,
    env: { TMPDIR: join(cwd, 'temp') }
  })
  t.teardown(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  await until(() => /lists the tasks\.[^]*every few seconds/.test(output.err + output.out))
  const [, words] = /In another terminal, `offpeak ([^`]+)` lists the tasks/.exec(output.err)!
  t.match(await cli([...words!.split(' '), '--json'], { cwd: join(cwd, 'other') }), {
    code: 0,
    out: /"id": "heartbeat"/
  })
})

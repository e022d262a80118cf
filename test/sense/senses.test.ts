import t from 'tap'
import { execFileSync } from '../child.ts'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DESKTOP, machine } from './machine.ts'
import { loopSensor } from '../../core/sense/sensor/loop.ts'
import { until } from '../clock.ts'
import type { PartialReading } from '../../core/sense/source/sensor-host.ts'

t.test('a sensor that hangs is unknown and reported, and delays no other [F55]', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP, boundMs: 20 })
  const hanging = Promise.withResolvers<PartialReading>()
  let asked = 0
  senses.register('temperature', {
    everyMs: 0,
    read: () => {
      asked++
      return hanging.promise
    }
  })
  const reading = await senses.sample()
  t.match(reading, { temperature: 'unknown', power: 'mains', memory: { used: 0.25 } })
  t.match(senses.troubles(), [{ sensor: 'temperature', message: 'no answer within 20 ms', since: reading.at }])
  await later({})
  t.equal(asked, 1, 'it is not read again until it answers')
  hanging.resolve({ temperature: 50 })
  await until('the answer is in', () => senses.troubles().length === 0)
  t.equal((await later({})).temperature, 50)
  t.equal(asked, 2)
})

t.test('a slow sensor keeps its last answer until its time limit', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP, boundMs: 60_000, patienceMs: 5 })
  let slow: Promise<PartialReading> | PartialReading = { temperature: 41 }
  senses.register('temperature', { everyMs: 0, read: () => slow })
  await senses.sample()
  slow = new Promise(() => undefined)
  t.equal((await later({})).temperature, 41)
  t.strictSame(senses.troubles(), [])
})

t.test('a sensor that throws, rejects or returns nonsense is unknown until it answers [F55]', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP })
  let read = (): PartialReading | Promise<PartialReading> => ({ temperature: 60 })
  senses.register('temperature', { everyMs: 0, read: () => read() })
  t.equal((await senses.sample()).temperature, 60)
  for (const broken of [() => {
    throw new Error('bus error')
  }, async () => {
    throw new Error('bus error')
  }, () => null as unknown as PartialReading]) {
    read = broken
    t.equal((await later({})).temperature, 'unknown')
    t.match(senses.troubles(), [{ sensor: 'temperature' }])
  }
  read = () => ({ temperature: 61 })
  t.equal((await later({})).temperature, 61)
  t.strictSame(senses.troubles(), [])
})

t.test('impossible numbers are unknown [F55]', async t => {
  const { senses } = machine(t, { tree: DESKTOP })
  senses.register('odd', {
    everyMs: 0,
    read: () => ({
      cpu: { busy: NaN, load: -1 },
      battery: { level: 140 },
      memory: { used: 1.2, available_bytes: Infinity },
      temperature: -5
    })
  })
  t.match(await senses.sample(), {
    cpu: { busy: 'unknown', load: 'unknown', cores: 2 },
    battery: { level: 100 },
    memory: { used: 1, available_bytes: 'unknown' },
    temperature: -5
  })
})

t.test('a registered sensor can be removed', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP })
  const remove = senses.register('barn', { everyMs: 0, read: () => ({ temperature: 12 }) })
  t.equal((await senses.sample()).temperature, 12)
  remove()
  t.equal((await later({})).temperature, 'unknown')
})

t.test('at most two hanging sensors block threads', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP, boundMs: 10 })
  const hang = { everyMs: 0, threaded: true, read: () => new Promise<PartialReading>(() => undefined) }
  senses.register('one', { ...hang })
  senses.register('two', { ...hang })
  await senses.sample()
  senses.register('three', { ...hang })
  await later({})
  t.match(senses.troubles().find(({ sensor }) => sensor === 'three'), { message: /^not read: \d other sensors hang$/ })
})

t.test('pipes in place of files delay no sample', async t => {
  const { senses, root, later } = machine(t, { tree: { ...DESKTOP, 'sys/class/power_supply/BAT0/type': 'Battery\n' } })
  const pipes = ['proc/meminfo', 'sys/class/power_supply/BAT0/capacity', 'proc/pressure/io'].map(path =>
    join(root, path)
  )
  for (const path of pipes) {
    rmSync(path, { force: true })
    execFileSync('mkfifo', [path])
  }
  mkdirSync(join(root, 'sys/class/thermal/thermal_zone0'), { recursive: true })
  execFileSync('mkfifo', [join(root, 'sys/class/thermal/thermal_zone0/temp')])
  await senses.sample()
  const reading = await later({})
  t.match(reading, {
    memory: { used: 'unknown' },
    battery: { present: true, level: 'unknown' },
    pressure: { io: { some: 'unknown' }, cpu: { some: 12.5 } },
    temperature: 'unknown'
  })
  t.match(senses.troubles(), [{ sensor: 'memory' }])
})

t.test('the highest temperature counts, and impossible ones are ignored', async t => {
  const { senses } = machine(t, {
    tree: {
      ...DESKTOP,
      'sys/class/thermal/thermal_zone0/temp': '47000\n',
      'sys/class/thermal/thermal_zone1/temp': '-274000\n',
      'sys/class/thermal/cooling_device0/temp': '99000\n',
      'sys/class/hwmon/hwmon0/name': 'coretemp\n',
      'sys/class/hwmon/hwmon0/temp1_input': '61500\n',
      'sys/class/hwmon/hwmon0/temp2_input': 'N/A\n',
      'sys/class/hwmon/hwmon1/name': 'drivetemp\n',
      'sys/class/hwmon/hwmon1/temp1_input': '80000\n'
    }
  })
  t.equal((await senses.sample()).temperature, 61.5)
})

t.test('the disks of the data folder and of the configuration are measured separately', async t => {
  const { senses, folder, root, configure, later } = machine(t, {
    tree: DESKTOP,
    config: { sense: { disks: ['/nowhere/at/all'] } }
  })
  await senses.start()
  const [data, ...others] = senses.latest.disks
  t.equal(data?.path, folder)
  t.ok(typeof data?.free_bytes === 'number' && data.free_bytes > 0)
  t.ok(typeof data?.used === 'number' && data.used > 0 && data.used <= 1)
  t.strictSame(others, [])
  t.match(senses.troubles(), [{ sensor: 'disk /nowhere/at/all' }])
  configure({ sense: { disks: [root] } })
  t.strictSame((await later({})).disks.map(({ path }) => path), [folder, root],
    'a changed configuration counts at once')
  t.strictSame(senses.troubles(), [])
})

t.test('start and stop can be repeated', async t => {
  const { senses } = machine(t, { tree: DESKTOP })
  await senses.stop()
  await senses.start()
  await senses.start()
  await senses.stop()
  await senses.stop()
  await senses.start()
  t.equal(senses.latest.power, 'mains')
})

t.test('concurrent calls share one sample', async t => {
  const { senses } = machine(t, { tree: DESKTOP })
  const [first, second] = [senses.sample(), senses.sample()]
  t.equal(first, second)
  t.equal(await first, senses.latest)
})

t.test('the delay of the event loop is the longest since the last sample', async t => {
  const watch = {
    count: 0,
    max: 0,
    enable: () => true,
    disable: () => true,
    reset () {
      this.count = this.max = 0
    }
  }
  const sensor = loopSensor(() => watch)
  t.strictSame(sensor.read(), { loop_delay_ms: 'unknown' })
  Object.assign(watch, { count: 9, max: 740_200_000 })
  t.strictSame(sensor.read(), { loop_delay_ms: 240.2 })
  t.strictSame(sensor.read(), { loop_delay_ms: 'unknown' })
})

const CHIPS = {
  'sys/class/hwmon/hwmon0/name': 'coretemp\n',
  'sys/class/hwmon/hwmon0/temp1_input': '41000\n',
  'sys/class/hwmon/hwmon1/name': 'nct6797\n',
  'sys/class/hwmon/hwmon1/temp1_input': '36000\n',
  'sys/class/hwmon/hwmon1/temp5_input': '127000\n',
  'sys/class/hwmon/hwmon1/temp5_label': 'AUXTIN2\n'
}

t.test('an unconnected input is ignored and reported', async t => {
  const { senses, later } = machine(t, { tree: { ...DESKTOP, ...CHIPS } })
  const { at, temperature } = await senses.sample()
  t.equal(temperature, 41)
  t.match(senses.troubles(), [{
    sensor: 'temperature',
    message: 'nct6797 AUXTIN2 reads 127 °C, which is impossible: it is ignored',
    since: at
  }])
  await later({}, 20_000)
  t.match(senses.troubles(), [{ since: at }], 'and since when')
  await later({ 'sys/class/hwmon/hwmon1/temp5_input': '35000\n' }, 20_000)
  t.strictSame(senses.troubles(), [])
})

t.test('a hot input of a board that never changes is soon ignored; changing ones and processors are not', async t => {
  const { senses, later } = machine(t, {
    tree: { ...DESKTOP, ...CHIPS, 'sys/class/hwmon/hwmon1/temp5_input': '97500\n' }
  })
  t.equal((await senses.sample()).temperature, 97.5)
  for (let minute = 0; minute < 9; minute++) t.equal((await later({}, 60_000)).temperature, 97.5)
  t.equal((await later({}, 60_000)).temperature, 41)
  t.match(senses.troubles(), [{ message: 'nct6797 AUXTIN2 reads 97.5 °C without any change: it is ignored' }])
  t.equal((await later({ 'sys/class/hwmon/hwmon1/temp5_input': '98000\n' }, 60_000)).temperature, 98)
  await later({ 'sys/class/hwmon/hwmon0/temp1_input': '100000\n' }, 60_000)
  t.equal((await later({}, 3_600_000)).temperature, 100, 'a processor at its limit')
})

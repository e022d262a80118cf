import t from 'tap'
import { DESKTOP, GROUP, SELF, STAT, machine } from './machine.ts'

t.test('the first sample has no rates', async t => {
  const { senses } = machine(t, { tree: DESKTOP })
  t.match(senses.latest, { cpu: { busy: 'unknown' }, memory: { used: 'unknown' } }, 'and before it nothing is known')
  const reading = await senses.sample()
  t.match(reading, {
    cpu: { busy: 'unknown', own: 'unknown', load: 0.5, cores: 2 },
    memory: { used: 0.25, available_bytes: 6_000_000 * 1024 },
    pressure: { cpu: { some: 12.5, full: 0 }, memory: { some: 0.1, full: 0.05 }, io: { some: 3, full: 2 } },
    io: { busy: 'unknown', bytes_per_s: 'unknown' },
    network: { bytes_per_s: 'unknown', online: true, metered: false }
  })
  t.strictSame(senses.troubles(), [])
  t.equal(senses.latest, reading)
})

t.test('shares and rates are computed between two samples', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP })
  await senses.sample()
  const reading = await later({
    // 600 of 1000 ticks are work; waiting for the disk is none.
    'proc/stat': STAT('1500 0 600 8300 600 0 0 0 0 0'),
    'proc/self/stat': SELF(350),
    'proc/diskstats':
      '   7       0 loop0 9 0 9 9 9 0 9 9 0 99999 9\n   8       0 sda 100 0 3000 50 100 0 5000 50 0 3000 100\n' +
      '   8       1 sda1 1 0 9000 5 1 0 9000 5 0 5900 1\n',
    'proc/net/dev': 'Inter-|\n face |bytes\n    lo: 90500 1 0 0 0 0 0 0 90500 1 0 0 0 0 0 0\n' +
      '  eth0: 6000 1 0 0 0 0 0 0 7000 1 0 0 0 0 0 0\n'
  })
  t.match(reading.cpu, { busy: 0.6, own: 0.25 })
  t.match(reading.io, { busy: 0.4, bytes_per_s: 2000 * 512 / 5 }, 'neither loop devices nor partitions count twice')
  t.equal(reading.network.bytes_per_s, 2000)
})

t.test('a counter that decreased gives unknown once', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP })
  await senses.sample()
  const reading = await later({
    'proc/stat': STAT('10 0 5 80 5 0 0 0 0 0'),
    'proc/self/stat': SELF(1),
    'proc/net/dev': 'x\nx\n  eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n',
    'proc/diskstats': '8 0 sda 1 0 1 1 1 0 1 1 0 1 1\n'
  })
  t.match(reading, {
    cpu: { busy: 'unknown', own: 'unknown' },
    io: { busy: 'unknown', bytes_per_s: 'unknown' },
    network: { bytes_per_s: 'unknown' }
  })
  t.equal((await later({ 'proc/stat': STAT('20 0 5 90 5 0 0 0 0 0') })).cpu.busy, 0.5)
})

t.test('two samples at the same instant are one', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP })
  await senses.sample()
  await later({ 'proc/stat': STAT('1500 0 500 8500 500 0 0 0 0 0') })
  t.equal((await later({ 'proc/stat': STAT('1501 0 500 8500 500 0 0 0 0 0') }, 10)).cpu.busy, 0.5)
})

t.test('the usage of child processes is that of offpeak, while they run and after they have ended', async t => {
  const child = (ticks: number) => `77 (sh) R 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 5 0 0\n`
  const tree = {
    'proc/self/task/1/comm': 'node\n',
    'proc/self/task/1/children': '77 ',
    'proc/77/stat': child(10),
    'proc/77/task/77/children': '78',
    'proc/78/stat': child(0)
  }
  const { senses, later } = machine(t, { tree: { ...DESKTOP, ...tree } })
  await senses.sample()
  t.equal(
    (await later({
      'proc/stat': STAT('2000 0 500 8000 500 0 0 0 0 0'),
      'proc/77/stat': child(110),
      'proc/78/stat': child(200)
    })).cpu.own,
    0.3
  )
  const reaped = '1 (node) R 1 1 1 0 -1 0 0 0 0 0 100 0 410 0 20 0 1 0 5 0 0\n'
  t.equal(
    (await later({
      'proc/stat': STAT('3000 0 500 8000 500 0 0 0 0 0'),
      'proc/self/task/1/children': '',
      'proc/self/stat': reaped
    })).cpu.own,
    0.1
  )
})

t.test('the limits of a container are used', async t => {
  const { senses, later } = machine(t, {
    tree: {
      ...DESKTOP,
      ...GROUP,
      'cgroup/cpu.max': '50000 100000\n',
      'cgroup/cpu.stat': 'usage_usec 1000000\nuser_usec 1\n',
      'cgroup/memory.max': '10000000\n',
      'cgroup/memory.current': '5000000\n',
      'cgroup/cpu.pressure': 'some avg10=77.00 avg60=0\nfull avg10=1.00 avg60=0\n'
    }
  })
  t.match(await senses.sample(), {
    cpu: { cores: 0.5, busy: 'unknown' },
    memory: { used: 0.4, available_bytes: 6_000_000 },
    pressure: { cpu: { some: 77, full: 1 }, memory: { some: 0.1 } }
  })
  const { cpu } = await later({
    'cgroup/cpu.stat': 'usage_usec 3000000\nuser_usec 1\n',
    'proc/self/stat': SELF(200),
    'proc/stat': STAT('1000 0 500 9000 500 0 0 0 0 0')
  })
  t.match(cpu, { busy: 0.8, own: 0.4 })
})

t.test('a limit of a parent group applies too, and without any there is none', async t => {
  const { senses } = machine(t, {
    tree: {
      ...DESKTOP,
      'proc/self/cgroup': '1:name=systemd:/x\n0::/system.slice/offpeak.service\n',
      'cgroup/system.slice/memory.max': '4000\n',
      'cgroup/system.slice/memory.current': '1000\n',
      'cgroup/system.slice/offpeak.service/memory.max': 'max\n',
      'cgroup/system.slice/offpeak.service/cpu.max': 'max 100000\n'
    }
  })
  t.match(await senses.sample(), { memory: { used: 0.25, available_bytes: 3000 }, cpu: { cores: 2 } })
})

t.test('cgroup v1 is used if v2 has no limits', async t => {
  const { senses, later } = machine(t, {
    tree: {
      ...DESKTOP,
      'proc/self/cgroup': '4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n0::/\n',
      'cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'cgroup/memory/docker/a/memory.limit_in_bytes': '8000\n',
      'cgroup/memory/docker/a/memory.usage_in_bytes': '5000\n',
      'cgroup/memory/docker/a/memory.stat': 'total_inactive_file 1000\n',
      'cgroup/cpu,cpuacct/cpu.cfs_quota_us': '100000\n',
      'cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      'cgroup/cpu,cpuacct/cpuacct.usage': '1000000000\n'
    }
  })
  t.match(await senses.sample(), { cpu: { cores: 1 }, memory: { used: 0.5, available_bytes: 4000 } })
  t.equal((await later({ 'cgroup/cpu,cpuacct/cpuacct.usage': '3000000000\n' })).cpu.busy, 0.4)
})

t.test('missing or invalid files make their part unknown, and do not affect the others', async t => {
  const { senses } = machine(t, {
    tree: {
      ...DESKTOP,
      'proc/stat': 'garbage\n',
      'proc/meminfo': '',
      'proc/pressure/cpu': 'some nothing\n',
      'proc/loadavg': 'x',
      'proc/diskstats': '\u0000\u0001 \n\n 8 0',
      'proc/net/dev': ':::\n'
    }
  })
  const reading = await senses.sample()
  t.match(reading, {
    cpu: { busy: 'unknown', load: 'unknown' },
    memory: { used: 'unknown', available_bytes: 'unknown' },
    pressure: { cpu: { some: 'unknown' }, io: { some: 3 } },
    io: { busy: 'unknown' },
    power: 'mains',
    network: { online: true, bytes_per_s: 'unknown' }
  })
  t.strictSame(senses.troubles().map(({ sensor }) => sensor), ['cpu', 'memory'])
})

t.test('without any files every value is unknown, and no error is thrown', async t => {
  const { senses } = machine(t)
  const reading = await senses.sample()
  t.match(reading, {
    power: 'unknown',
    cpu: { busy: 'unknown', cores: 1 },
    pressure: { io: { some: 'unknown' } },
    network: { online: 'unknown' },
    temperature: 'unknown',
    idle_seconds: 'unknown',
    disks: []
  })
})

const NICED = 'usage_usec 1000000\nnice_usec 500000\n'

t.test('niced programs do not count as usage of the processors', async t => {
  const { senses, later } = machine(t, { tree: DESKTOP })
  await senses.sample()
  t.match((await later({ 'proc/stat': STAT('1200 700 500 8000 600 0 0 0 0 0') })).cpu, {
    busy: 0.2,
    niced: 0.7,
    own: 0
  })
  const contained = machine(t, {
    tree: { ...DESKTOP, ...GROUP, 'cgroup/cpu.max': '100000 100000\n', 'cgroup/cpu.stat': NICED }
  })
  await contained.senses.sample()
  t.match((await contained.later({ 'cgroup/cpu.stat': 'usage_usec 5000000\nnice_usec 3500000\n' })).cpu, { busy: 0.2 })
})

t.test('the cache of ZFS counts as free memory, except for its minimum', async t => {
  const arc = (size: number, least: number) =>
    '13 1 0x01 147 39984 1 1\nname                            type data\nc                               4    9\n' +
    `c_min                           4    ${least}\nsize                            4    ${size}\n`
  const at = async (text: string) =>
    (await machine(t, { tree: { ...DESKTOP, 'proc/spl/kstat/zfs/arcstats': text } }).senses.sample()).memory
  t.match(await at(arc(1_200_000 * 1024, 400_000 * 1024)), { used: 0.15, available_bytes: 6_800_000 * 1024 })
  t.match(await at(arc(300_000, 400_000)), { used: 0.25 })
  t.match(await at('nonsense\n'), { used: 0.25 })
  t.match(await at(arc(9e15, 0)), { used: 0 })
})

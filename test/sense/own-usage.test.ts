import t from 'tap'
import { DESKTOP, GROUP, STAT, machine } from './machine.ts'

t.test('niced processes of offpeak do not count as usage', async t => {
  const child = (ticks: number, nice: string) => `77 (sh) R 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 ${nice} 1 0 5 0 0\n`
  const tree = (nice: string) => ({
    ...DESKTOP,
    'proc/self/task/1/comm': 'node\n',
    'proc/self/task/1/children': '77 ',
    'proc/77/stat': child(10, nice)
  })
  for (const [nice, own] of [['10', 0], ['0', 0.4], ['-5', 0.4]] as const) {
    const { senses, later } = machine(t, { tree: tree(nice) })
    await senses.sample()
    t.match(
      (await later({ 'proc/stat': STAT('1500 300 500 8000 700 0 0 0 0 0'), 'proc/77/stat': child(410, nice) })).cpu,
      { busy: 0.5, own },
      `nice ${nice}`
    )
  }
})

const DISK = (name: string, sectors: number, busyMs: number) =>
  `   8       0 ${name} 100 0 ${sectors} 50 100 0 0 50 0 ${busyMs} 100\n`
const IO = (read: number, written: number, cancelled = 0) =>
  'rchar: 0\nwchar: 0\nsyscr: 1\nsyscw: 1\n' +
  `read_bytes: ${read}\nwrite_bytes: ${written}\ncancelled_write_bytes: ${cancelled}\n`
const MB = 1_024_000

const tenths = (value: unknown) => Math.round(Number(value) * 10) / 10

t.test('the disk bytes of offpeak and its children are its own, also when they reach the disk later', async t => {
  const tree = {
    ...DESKTOP,
    'proc/self/io': IO(0, 0),
    'proc/self/task/1/comm': 'node\n',
    'proc/self/task/1/children': '77 ',
    'proc/77/io': IO(0, 0),
    'proc/diskstats': DISK('sda', 0, 0)
  }
  const { senses, later } = machine(t, { tree })
  await senses.sample()
  const sectors = (bytes: number) => bytes / 512
  const read = (await later({ 'proc/77/io': IO(60 * MB, 0), 'proc/diskstats': DISK('sda', sectors(80 * MB), 4000) })).io
  t.match({ ...read, own: tenths(read.own) }, { busy: 0.8, own: 0.6, bytes_per_s: 16 * MB, own_bytes_per_s: 12 * MB })
  t.match((await later({ 'proc/self/io': IO(0, 40 * MB), 'proc/diskstats': DISK('sda', sectors(80 * MB), 4000) })).io, {
    busy: 0,
    own: 0,
    own_bytes_per_s: 0
  }, 'written, and still in memory')
  const { io } = await later({ 'proc/diskstats': DISK('sda', sectors(100 * MB), 9000) })
  t.match(io, { busy: 1, own: 1, own_bytes_per_s: 4 * MB }, 'and now it comes to the disk')
  await later({ 'proc/self/io': IO(0, 90 * MB, 90 * MB), 'proc/diskstats': DISK('sda', sectors(100 * MB), 9000) },
    600_000)
  const cancelled = await later({ 'proc/diskstats': DISK('sda', sectors(120 * MB), 14_000) })
  t.ok(Number(cancelled.io.own) < 0.01, "what was removed before it was written is nobody's")
})

t.test('the bytes of offpeak are attributed to the disk with the most transferred bytes', async t => {
  const two = (a: number, b: number, busyA: number, busyB: number) =>
    DISK('nvme0n1', a / 512, busyA) + DISK('sdb', b / 512, busyB)
  const { senses, later } = machine(t, {
    tree: { ...DESKTOP, 'proc/self/io': IO(0, 0), 'proc/diskstats': two(0, 0, 0, 0) }
  })
  await senses.sample()
  const { io } = await later({ 'proc/self/io': IO(500 * MB, 0), 'proc/diskstats': two(500 * MB, 5 * MB, 2000, 4500) })
  t.match(io, { busy: 0.9, own: 0 })
})

t.test('without counters of processes, all disk bytes belong to others', async t => {
  const { senses, later } = machine(t, { tree: { ...DESKTOP, 'proc/diskstats': DISK('sda', 0, 0) } })
  await senses.sample()
  const { io } = await later({ 'proc/diskstats': DISK('sda', 1000, 4000) })
  t.strictSame([io.busy, io.own], [0.8, undefined])
})

t.test('the memory of offpeak is its private memory without caches', async t => {
  const status = (anonymous: number) =>
    `Name:\tnode\nVmRSS:\t 9000000 kB\nRssAnon:\t ${anonymous} kB\nRssFile:\t 5000 kB\nRssShmem:\t 0 kB\n`
  const tree = {
    ...DESKTOP,
    'proc/self/status': status(800_000),
    'proc/self/task/1/comm': 'node\n',
    'proc/self/task/1/children': '77',
    'proc/77/status': status(400_000)
  }
  t.match((await machine(t, { tree }).senses.sample()).memory, { used: 0.25, own: 0.15 })
  const contained = { ...tree, ...GROUP, 'cgroup/memory.max': '4000000000\n', 'cgroup/memory.current': '3000000000\n' }
  const { used, own } = (await machine(t, { tree: contained }).senses.sample()).memory
  t.ok(Math.abs(Number(used) - 0.74975) < 1e-9)
  t.equal(own, 1_200_000 * 1024 / 4e9)
})

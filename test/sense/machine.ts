import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { configOf } from '../../core/model/config/config.ts'
import { Senses } from '../../core/sense/senses.ts'
import { scratch } from '../work/harness.ts'
import { fakeClock } from '../clock.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import type { SensesAsk } from '../../core/sense/senses.ts'
import type { Exec } from '../../core/sense/source/exec.ts'

/** Files of a machine, by their path below its root: `sys/class/…`, `proc/…`. */
export type Tree = Record<string, string>

/** A control group of version 2 and its memory. */
export const GROUP = {
  'proc/self/cgroup': '0::/\n',
  'cgroup/memory.stat': 'anon 1\ninactive_file 600000\nactive_file 300000\nslab_reclaimable 100000\n'
}

/** Programs that a machine without any answers for. */
export const noPrograms: Exec = async ({ argv }) => {
  throw new Error(`${argv[0]} was started`)
}

export const STAT = (ticks: string) => `cpu  ${ticks}\ncpu0 0 0 0 0\ncpu1 0 0 0 0\nintr 5\n`
export const SELF = (user: number) => `1 (node (x)) R 1 1 1 0 -1 0 0 0 0 0 ${user} 0 0 0 20 0 1 0 5 0 0\n`

/** A machine with two cores, half of its memory, one disk and one cable. */
export const DESKTOP: Tree = {
  'proc/stat': STAT('1000 0 500 8000 500 0 0 0 0 0'),
  'proc/self/stat': SELF(100),
  'proc/self/cgroup': '0::/\n',
  'proc/loadavg': '1.00 0.50 0.20 1/100 1234\n',
  'proc/meminfo':
    'MemTotal:        8000000 kB\nMemFree:         1000000 kB\nMemAvailable:    6000000 kB\nBuffers: 1 kB\n',
  'proc/pressure/cpu':
    'some avg10=12.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  'proc/pressure/memory':
    'some avg10=0.10 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.05 avg60=0.00 avg300=0.00 total=0\n',
  'proc/pressure/io':
    'some avg10=3.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=2.00 avg60=0.00 avg300=0.00 total=0\n',
  'proc/diskstats':
    '   7       0 loop0 9 0 9 9 9 0 9 9 0 9999 9\n   8       0 sda 100 0 2000 50 100 0 4000 50 0 1000 100\n' +
    '   8       1 sda1 100 0 2000 50 100 0 4000 50 0 900 100\n',
  'proc/net/dev':
    'Inter-|   Receive  |  Transmit\n face |bytes packets\n    lo: 500 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n' +
    '  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n',
  'proc/net/route': 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n' +
    'eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n',
  'sys/class/net/eth0/operstate': 'up\n',
  'sys/class/net/eth0/type': '1\n',
  'sys/class/net/lo/operstate': 'unknown\n'
}

export const supply = (name: string, attributes: Tree): Tree =>
  Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [`sys/class/power_supply/${name}/${key}`, `${value}\n`])
  )

const rootsIn = (root: string) => ({
  proc: join(root, 'proc'),
  sys: join(root, 'sys'),
  cgroup: join(root, 'cgroup'),
  dev: join(root, 'dev'),
  run: join(root, 'run')
})

function writeTree (root: string, files: Tree): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

/** A machine that is files in a temporary folder, and the senses that look at it. */
export function machine (
  t: Test,
  { tree = {}, config = {}, ...ask }: Partial<Omit<SensesAsk, 'config'>> & { tree?: Tree, config?: ConfigFile } = {}
) {
  const root = scratch(t)
  const clock = fakeClock()
  const write = (files: Tree) => writeTree(root, files)
  write(tree)
  let current = configOf(config, 'UTC')
  const folder = join(root, 'data')
  mkdirSync(folder)
  const roots = rootsIn(root)
  const make = () => {
    const senses = new Senses({
      clock,
      config: () => current,
      folder,
      roots,
      exec: noPrograms,
      platform: 'linux',
      ...ask
    })
    t.teardown(async () => {
      await senses.settled()
      await senses.stop()
    })
    return senses
  }
  const senses = make()
  const configure = (next: ConfigFile) => {
    current = configOf(next, 'UTC')
  }
  /** Writes the second state, five seconds later, and samples it. */
  const later = async (files: Tree, ms = 5000) => {
    clock.advance(ms)
    write(files)
    return senses.sample()
  }
  return { root, clock, write, senses, folder, configure, later, make }
}

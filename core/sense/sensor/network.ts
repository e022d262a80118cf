import { existsSync } from 'node:fs'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { numbersOf } from '../source/number.ts'
import { OwnNetwork } from '../source/own-network.ts'
import { rates, rise } from '../source/rate.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { SensorHost, PartialReading, Roots, Sensor } from '../source/sensor-host.ts'
import type { OwnProcesses } from '../source/process-tree.ts'
import type { Reading } from '../../model/machine/reading.ts'

/** Interfaces whose bytes another one counts, or without a connection. */
const BORROWED = /^(?:lo|ifb\d|dummy\d|veth|docker|br-|virbr|vnet|tap|tun|wg|tailscale|bond\d|team\d)/

/** Received and sent bytes by interface, from /proc/net/dev. */
function bytesIn (text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    const name = text.slice(text.lastIndexOf('\n', colon) + 1, colon).trim()
    const columns = numbersOf(text, colon + 1)
    if (columns.length >= 9) found.set(name, columns[0]! + columns[8]!)
  }
  return found
}

/** The interfaces to count: those with hardware or, if there is none, as in a container, all except virtual ones. */
function counted (names: Iterable<string>, roots: Roots): string[] {
  const all = [...names].filter(name => name !== 'lo')
  const real = all.filter(name => existsSync(`${roots.sys}/class/net/${name}/device`))
  return real.length > 0 ? real : all.filter(name => !BORROWED.test(name))
}

const UP = 1
const REJECT = 0x200

const usable = (flags: string | undefined) => (parseInt(flags ?? '0', 16) & (UP | REJECT)) === UP

const four = (text: string): string[] =>
  text.split('\n').slice(1).map(line => line.split('\t'))
    .filter(([, to, , flags, , , , mask]) => to === '00000000' && mask === '00000000' && usable(flags)).map(([name]) =>
      name!
    )

const NOWHERE = '0'.repeat(32)

const six = (text: string): string[] =>
  text.split('\n').filter(line => line.startsWith(`${NOWHERE} 00`)).map(line => line.split(/ +/))
    .filter(([, , , , , , , , flags, name]) => name !== 'lo' && usable(flags)).map(columns => columns[9]!)

/** The interface of the default route, from /proc/net/route and /proc/net/ipv6_route. null without one, unknown if the
 *  routes are hidden. */
export function wayOut ({ files, roots }: Pick<SensorHost, 'files' | 'roots'>): Maybe<string | null> {
  const text = files.optional(`${roots.proc}/net/route`)
  if (text === null) return UNKNOWN
  const names = [...four(text), ...six(files.optional(`${roots.proc}/net/ipv6_route`) ?? '')]
  // An interface without a state, such as a tunnel, counts as up.
  return names.find(name => files.optional(`${roots.sys}/class/net/${name}/operstate`)?.trim() !== 'down') ?? null
}

type Moved = Pick<Reading['network'], 'bytes_per_s' | 'own_bytes_per_s'>
const NONE: Moved = { bytes_per_s: UNKNOWN }

/** Bytes per second of the network, the share of offpeak, and whether there is a default route. */
export function networkSensor (host: SensorHost, processes?: OwnProcesses): Sensor {
  const { files, roots, clock } = host
  let names: string[] = []
  let seen = ''
  const own = processes === undefined ? null : new OwnNetwork(host, processes)
  const rate = rates<Map<string, number>, Moved>({
    clock,
    none: NONE,
    derive: ({ now, before, seconds }) => {
      const both = names.filter(name => now.has(name) && before.has(name))
      const rises = both.map(name => rise(now.get(name), before.get(name)))
      if (names.length === 0 && now.size > 0) return { bytes_per_s: 0 }
      if (rises.length === 0 || rises.includes(null)) return NONE
      const bytes = rises.reduce<number>((sum, value) => sum + value!, 0)
      const ownRate = own?.rate({ bytes, seconds }) ?? null
      return { bytes_per_s: bytes / seconds, ...ownRate !== null && { own_bytes_per_s: ownRate } }
    }
  })
  return {
    everyMs: 0,
    read (): PartialReading {
      const text = files.optional(`${roots.proc}/net/dev`)
      const bytes = text === null ? new Map<string, number>() : bytesIn(text)
      const list = [...bytes.keys()].join(' ')
      if (list !== seen) names = counted(bytes.keys(), roots)
      seen = list
      const way = wayOut(host)
      return { network: { ...text === null ? NONE : rate(bytes), online: way === UNKNOWN ? UNKNOWN : way !== null } }
    }
  }
}

import { readdirSync, readlinkSync } from 'node:fs'
import { absent } from './files.ts'
import type { SensorHost } from './sensor-host.ts'
import type { Moved, OwnProcesses } from './process-tree.ts'

const ESTABLISHED = '01'
const SOCKET = /^socket:\[(\d+)\]$/

/** `AABBCCDD:PORT` of /proc/net/tcp and the longer form of tcp6, the bytes of a word in the order of the machine. */
function isLoopback (address: string): boolean {
  const host = address.slice(0, address.indexOf(':'))
  if (host.length === 8) return host.endsWith('7F')
  const isMapped = host.startsWith('0000000000000000FFFF0000')
  return host === '00000000000000000000000001000000' || (isMapped && host.endsWith('7F'))
}

/** The inodes of sockets that are connected to other machines. */
function connections ({ files, roots }: SensorHost): Set<string> {
  const tables = ['tcp', 'tcp6'].map(name => files.optional(`${roots.proc}/net/${name}`) ?? '')
  const columns = tables.flatMap(text => text.split('\n').slice(1)).map(line => line.trim().split(/ +/))
    .filter(([, , remote = '', state]) => state === ESTABLISHED && !isLoopback(remote))
  return new Set(columns.flatMap(words => words[9] ?? []))
}

function targetOf (path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function isConnected (folder: string, inodes: ReadonlySet<string>): boolean {
  let names: string[]
  try {
    names = absent(() => readdirSync(folder)) ?? []
  } catch {
    return false
  }
  return names.some(name => inodes.has(SOCKET.exec(targetOf(`${folder}/${name}`))?.[1] ?? ''))
}

/** An estimate of the bytes per second that offpeak transfers over the network, which the kernel does not count by
 *  process: the bytes read and written by processes with a connection to another machine, limited to those of the
 *  interfaces. */
export class OwnNetwork {
  readonly #host: SensorHost
  readonly #processes: OwnProcesses
  #before: ReadonlyMap<string, Moved> | null = null

  constructor (host: SensorHost, processes: OwnProcesses) {
    this.#host = host
    this.#processes = processes
  }

  /** The share in `bytes` that the interfaces transferred in `seconds`; null if unknown. */
  rate ({ bytes, seconds }: { bytes: number, seconds: number }): number | null {
    const before = this.#before
    const now = this.#before = this.#processes.moved()
    if (now === null || before === null) return null
    const moved = [...now].flatMap(([pid, { calls }]) => {
      const risen = calls - (before.get(pid)?.calls ?? 0)
      return risen > 0 ? [[pid, risen] as const] : []
    })
    if (bytes === 0 || moved.length === 0) return 0
    const inodes = connections(this.#host)
    if (inodes.size === 0) return 0
    const connected = moved.filter(([pid]) => isConnected(`${this.#host.roots.proc}/${pid}/fd`, inodes))
    const own = connected.reduce((sum, [, risen]) => sum + risen, 0)
    return Math.min(bytes, own) / seconds
  }
}

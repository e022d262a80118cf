import { existsSync } from 'node:fs'
import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { isInstalled } from '../source/exec.ts'
import { wayOut } from './network.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Exec } from '../source/exec.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'

const BOUND = 4 * SECOND
const SERVICE = 'org.freedesktop.NetworkManager'
/** NMMetered and NMConnectivityState of the D-Bus interface of NetworkManager. Guesses count as answers. */
const METERED: Record<string, boolean> = { 1: true, 2: false, 3: true, 4: false }
const OFFLINE = new Set(['1', '2'])
const MODEM = /^(?:wwan|ppp|rmnet|wwp)/

interface Answer {
  metered: Maybe<boolean>
  offline: boolean
}

/** The output is `u 4` for each requested property. */
async function byBus (exec: Exec): Promise<Answer> {
  const path = `/${SERVICE.replaceAll('.', '/')}`
  const { output } = await exec({
    argv: ['busctl', '--auto-start=no', 'get-property', SERVICE, path, SERVICE, 'Metered', 'Connectivity'],
    timeoutMs: BOUND
  })
  const [metered, connectivity] = output.split('\n').map(line => line.trim().split(' ')[1] ?? '')
  return { metered: METERED[metered ?? ''] ?? UNKNOWN, offline: OFFLINE.has(connectivity ?? '') }
}

async function byTool (exec: Exec): Promise<Answer> {
  const { output } = await exec({
    argv: ['nmcli', '--terse', '--get-values', 'GENERAL.METERED', 'device', 'show'],
    timeoutMs: BOUND
  })
  const words = output.split('\n').map(line => line.trim().split(' ')[0])
  return { metered: words.includes('yes') ? true : words.includes('no') ? false : UNKNOWN, offline: false }
}

/** Without NetworkManager: a modem is metered, a cable is not, all others are unknown. */
function byName ({ files, roots }: Pick<SensorHost, 'files' | 'roots'>): Answer {
  const name = wayOut({ files, roots })
  if (name === UNKNOWN || name === null) return { metered: UNKNOWN, offline: false }
  const folder = `${roots.sys}/class/net/${name}`
  if (MODEM.test(name) || (files.once(`${folder}/uevent`) ?? '').includes('DEVTYPE=wwan')) {
    return { metered: true, offline: false }
  }
  const wireless = existsSync(`${folder}/wireless`) || existsSync(`${folder}/phy80211`)
  const cable = !wireless && files.once(`${folder}/type`)?.trim() === '1'
  return { metered: cable ? false : UNKNOWN, offline: false }
}

interface ConnectionAsk extends SensorHost {
  exec: Exec
  everyMs: number
  metered: 'auto' | 'yes' | 'no'
}

/** Whether the connection is metered: by the configuration, NetworkManager, or the kind of interface. */
export function connectionSensor ({ exec, everyMs, metered, ...host }: ConnectionAsk): Sensor {
  const ask = async (): Promise<Answer> => {
    if (!existsSync(`${host.roots.run}/NetworkManager`)) return byName(host)
    if (await isInstalled('busctl')) return byBus(exec)
    return await isInstalled('nmcli') ? byTool(exec) : byName(host)
  }
  return {
    everyMs,
    async read (): Promise<PartialReading> {
      const answer = await ask()
      // A captive portal is not online, even if there is a route.
      const online = answer.offline ? { online: false } : {}
      return { network: { ...online, metered: metered === 'auto' ? answer.metered : metered === 'yes' } }
    }
  }
}

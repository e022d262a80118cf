import type { Gate } from '../conditions/gate.ts'
import { READ, inDefinition } from '../conditions/gate.ts'
import { known } from '../machine/reading.ts'

/** Closed while the network is not what the task needs. An unknown state closes it: a metered network costs money. */
export const network: Gate = ({ task, reading: { network: { online, metered } } }) => {
  const asked = task?.constraints.network
  if (asked === undefined) return null
  const facts = { gate: 'network', required: asked, ...READ, source: inDefinition('network') }
  if (!known(online)) {
    return {
      ...facts,
      ok: false,
      code: 'network_unknown',
      message: 'cannot tell whether the machine is online',
      observed: online
    }
  }
  if (!online) return { ...facts, ok: false, code: 'offline', message: 'the machine is offline', observed: 'offline' }
  if (asked === 'online') return { ...facts, ok: true, code: 'ok', message: 'online', observed: 'online' }
  if (!known(metered)) {
    return {
      ...facts,
      ok: false,
      code: 'metered_unknown',
      message: 'cannot tell whether the network is metered',
      observed: metered
    }
  }
  return {
    ...facts,
    ok: !metered,
    code: metered ? 'metered' : 'ok',
    message: metered ? 'the network is metered' : 'online and unmetered',
    observed: metered ? 'metered' : 'unmetered'
  }
}

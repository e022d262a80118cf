import type { Gate } from '../conditions/gate.ts'
import { READ, inDefinition } from '../conditions/gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'

/** Closed while a probe in `not_while` is busy or does not answer. */
export const probes: Gate = ({ task, reading }) => {
  const names = task?.constraints.not_while ?? []
  if (names.length === 0) return null
  const facts = { gate: 'probes', required: names, ...READ, source: inDefinition('not_while') }
  const answers = names.map(name => ({
    name,
    busy: reading.probes[name]?.busy ?? UNKNOWN,
    detail: reading.probes[name]?.detail
  }))
  const busy = answers.find(answer => answer.busy === true)
  if (busy) {
    return {
      ...facts,
      ok: false,
      code: 'probe_busy',
      message: `probe ${busy.name} is busy${busy.detail ? `: ${busy.detail}` : ''}`,
      observed: busy.name
    }
  }
  const silent = answers.find(answer => !known(answer.busy))
  if (silent) {
    return {
      ...facts,
      ok: false,
      code: 'probe_unknown',
      message: `probe ${silent.name} does not answer`,
      observed: UNKNOWN
    }
  }
  return { ...facts, ok: true, code: 'ok', message: `not busy: ${names.join(', ')}`, observed: 'quiet' }
}

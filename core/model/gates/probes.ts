import type { Gate } from './gate.ts'
import { READ, inDefinition } from './gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'

/** Closed while a probe that the task names says that something is going on, or says nothing. */
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
      message: `${busy.name} says busy${busy.detail ? `: ${busy.detail}` : ''}`,
      observed: busy.name
    }
  }
  const silent = answers.find(answer => !known(answer.busy))
  if (silent) {
    return { ...facts, ok: false, code: 'probe_unknown', message: `${silent.name} gives no answer`, observed: UNKNOWN }
  }
  return { ...facts, ok: true, code: 'ok', message: `${names.join(', ')} say nothing is going on`, observed: 'quiet' }
}

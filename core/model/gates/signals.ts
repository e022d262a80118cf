import type { Gate, GateInput } from '../conditions/gate.ts'
import { READ, inDefinition } from '../conditions/gate.ts'
import { UNKNOWN } from '../machine/reading.ts'
import { passes, signalTest } from '../machine/signal.ts'
import { pointerStep } from '../base/check.ts'
import { spanWords } from '../base/duration.ts'

function answerOf (name: string, text: string, { reading, now }: GateInput) {
  const facts = {
    gate: 'signals',
    required: { [name]: text },
    ...READ,
    source: `${inDefinition('signals')}${pointerStep(name)}`
  }
  const signal = Object.hasOwn(reading.signals, name) ? reading.signals[name] : undefined
  if (signal === undefined) {
    return { ...facts, ok: false, code: 'signal_unknown', message: `signal ${name} is not set`, observed: UNKNOWN }
  }
  if (signal.expires_at <= now) {
    return {
      ...facts,
      ok: false,
      code: 'signal_unknown',
      message: `signal ${name} expired ${spanWords(now - signal.expires_at)} ago`,
      observed: UNKNOWN
    }
  }
  const test = signalTest(text)
  const ok = test !== null && passes(test, signal.value)
  return {
    ...facts,
    ok,
    code: ok ? 'ok' : 'signal_unmet',
    message: `signal ${name} is ${signal.value}, needs ${text}`,
    observed: signal.value
  }
}

/** Closed while a custom signal of the task fails its comparison, is not set or has expired. */
export const signals: Gate = ask => {
  const answers = Object.entries(ask.task?.constraints.signals ?? {}).map(([name, text]) => answerOf(name, text, ask))
  return answers.find(({ ok }) => !ok) ?? answers[0] ?? null
}

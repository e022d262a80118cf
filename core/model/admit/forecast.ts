import type { GateAnswer } from '../gates/gate.ts'

/** Whether a foreseen start hangs on a gate: a general limit that is far from closing is not worth a word, what the task asks for itself always is. */
export const hangsOn = ({ certain, kind, ok, source, bypassed }: GateAnswer): boolean =>
  !certain && kind !== 'order' && bypassed === null && (!ok || source.startsWith('task definition'))

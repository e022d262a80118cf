import type { Gate } from './gate.ts'
import { READ } from './gate.ts'

/** Closed to background work while as many runs of that class are running as scheduling.max_background_batch allows. */
export const background: Gate = ({ class: kind, config: { scheduling }, standing: { background: taken } }) => {
  if (kind !== 'background') return null
  const most = scheduling.max_background_batch
  const ok = taken < most
  return {
    gate: 'background',
    ok,
    code: ok ? 'ok' : 'background_busy',
    message: `${taken} of ${most} slots for background work ${taken === 1 ? 'is' : 'are'} taken`,
    observed: taken,
    required: most,
    ...READ,
    source: '/scheduling/max_background_batch'
  }
}

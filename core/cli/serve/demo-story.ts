import { SECOND } from '../../model/base/duration.ts'
import type { TaskManager } from '../../manager.ts'

/** The battery of the demo at an instant of its story. */
interface Supply {
  power: 'mains' | 'battery'
  battery: { present: true, level: number, charging: boolean }
}

const UNPLUGGED_AT = 8 * SECOND
const PLUGGED_AT = 28 * SECOND
const END_AT = 40 * SECOND
const FULL = 78
const DRAIN_PER_SECOND = 3
const CHARGE_PER_SECOND = 4

const CHAPTERS = [
  { at: 0, words: 'tasks that would run hourly or daily run every few seconds here, on sample files' },
  { at: 0, words: `this laptop is not real: plugged in, battery at ${FULL} %` },
  { at: UNPLUGGED_AT, words: 'the plug is pulled. backup_data needs mains, and will be held' },
  { at: PLUGGED_AT, words: 'the plug is back. What was held starts by itself' },
  { at: END_AT, words: 'that was the story. The tasks go on until Ctrl-C' }
]

const supply = (power: Supply['power'], level: number): Supply => ({
  power,
  battery: { present: true, level: Math.round(level), charging: power === 'mains' && level < 100 }
})

/** The supply this long after the beginning of the story, ms. */
export function supplyAt (ms: number): Supply {
  if (ms < UNPLUGGED_AT) return supply('mains', FULL)
  const lowest = FULL - (PLUGGED_AT - UNPLUGGED_AT) / SECOND * DRAIN_PER_SECOND
  return ms < PLUGGED_AT
    ? supply('battery', FULL - (ms - UNPLUGGED_AT) / SECOND * DRAIN_PER_SECOND)
    : supply('mains', Math.min(100, lowest + (ms - PLUGGED_AT) / SECOND * CHARGE_PER_SECOND))
}

/** The words of the story whose time has come at `ms`, in order. */
export const wordsBy = (ms: number): string[] => CHAPTERS.filter(({ at }) => at <= ms).map(({ words }) => words)

const UNHURRIED = { some: 0, full: 0 }

/** The rest of the machine of the demo: nothing but power holds its tasks. */
const CALM = {
  ups: null,
  cpu: { busy: 0.1, own: 0.05, load: 0.2 },
  pressure: { cpu: UNHURRIED, memory: UNHURRIED, io: UNHURRIED },
  memory: { used: 0.4 },
  io: { busy: 0.05, bytes_per_s: 0 },
  network: { online: true, metered: false, bytes_per_s: 0 },
  temperature: 45
}

/** Replaces the readings of the machine by those of the story. Returns a function that begins it, and calls
 *  `show` with each chapter when it is due. */
export function prepareStory (
  { senses, clock, onBeat }: Pick<TaskManager, 'senses' | 'clock' | 'onBeat'>,
  show: (words: string) => void
): () => void {
  let start: number | null = null
  let shown = 0
  const passed = () => start === null ? 0 : clock.monotonic() - start
  senses.register('demo', { everyMs: 0, read: () => ({ ...CALM, ...supplyAt(passed()) }) })
  function turn () {
    const words = wordsBy(passed())
    words.slice(shown).forEach(show)
    shown = words.length
  }
  return () => {
    start = clock.monotonic()
    turn()
    onBeat(turn, 'demo')
  }
}

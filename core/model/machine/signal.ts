import type { Constraints } from '../task/constraint.ts'
import type { Signal } from './reading.ts'

const COMPARISONS = ['>=', '<=', '!=', '==', '>', '<'] as const
type Comparison = typeof COMPARISONS[number]

/** The comparison that a custom signal must pass. Text and booleans are compared with == and != only. */
interface SignalTest {
  comparison: Comparison
  value: Signal['value']
}

const SHAPE = /^(>=|<=|!=|==|>|<|=)?\s*(.+)$/s
const WORDS: Record<string, boolean> = { true: true, on: true, yes: true, false: false, off: false, no: false }

function valueOf (text: string): Signal['value'] {
  const truth = WORDS[text.toLowerCase()]
  if (truth !== undefined) return truth
  const number = Number(text)
  return Number.isFinite(number) ? number : text.replace(/^(['"])(.*)\1$/s, '$2')
}

/** The test of an expression such as '> 500', '!= away' or 'home' (equal); null when it does not parse. */
export function signalTest (expression: string): SignalTest | null {
  const [, sign = '==', text = ''] = SHAPE.exec(expression.trim()) ?? []
  if (text === '' || /^[<>=!]/.test(text)) return null
  const comparison = (sign === '=' ? '==' : sign) as Comparison
  const value = valueOf(text)
  return typeof value !== 'number' && comparison !== '==' && comparison !== '!=' ? null : { comparison, value }
}

const NUMBERS: Record<Comparison, (a: number, b: number) => boolean> = {
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b
}

/** True for constraints that use one of the signals. */
export const asksForSignal = ({ signals = {} }: Pick<Constraints, 'signals'>, names: readonly string[]): boolean =>
  names.some(name => Object.hasOwn(signals, name))

/** True when the value passes the test; a value of another type never does. */
export function passes ({ comparison, value }: SignalTest, observed: Signal['value']): boolean {
  const seen = typeof observed === 'string' && typeof value !== 'string' ? valueOf(observed) : observed
  if (typeof seen === 'number' && typeof value === 'number') return NUMBERS[comparison](seen, value)
  if (typeof seen !== typeof value) return false
  return (seen === value) === (comparison === '==')
}

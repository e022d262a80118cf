import type { Failure } from './outcome.ts'

const MESSAGE_SIGNS = 4000
const STACK_SIGNS = 8000
const CAUSES = 5

const clean = (text: string, limit: number) =>
  text.slice(0, limit).toWellFormed().replaceAll('\u0000', '\uFFFD')

/** Reads one property; a getter that throws is an answer too. */
function read (value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function wordsOf (value: unknown): string {
  try {
    return typeof value === 'string' ? value : JSON.stringify(value) ?? String(value)
  } catch {
    return 'a value that cannot be read'
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Anything that can be thrown, as a bounded plain object: circles in the causes are cut, getters that throw are passed over. */
export function failureOf (thrown: unknown, causes = CAUSES): Failure {
  if (!isObject(thrown)) return { name: 'Error', message: clean(wordsOf(thrown), MESSAGE_SIGNS) }
  const [name, message, code, stack, cause] = ['name', 'message', 'code', 'stack', 'cause'].map(key => read(thrown, key))
  const failure: Failure = {
    name: typeof name === 'string' && name !== '' ? clean(name, 100) : 'Error',
    message: clean(typeof message === 'string' ? message : wordsOf(thrown), MESSAGE_SIGNS)
  }
  if (typeof code === 'string' || typeof code === 'number') failure.code = clean(String(code), 100)
  if (typeof stack === 'string') failure.stack = clean(stack, STACK_SIGNS)
  if (cause !== undefined && causes > 0) failure.cause = failureOf(cause, causes - 1)
  return failure
}

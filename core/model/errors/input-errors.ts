import { OffpeakError, show } from './errors.ts'
import type { Detail, Place } from './errors.ts'

const MOST_FIXES = 3

/** The fixes of several faults, each once. */
const fixOf = (errors: readonly Detail[]): string | undefined =>
  [...new Set(errors.flatMap(({ fix }) => fix ?? []))].slice(0, MOST_FIXES).join(' ') || undefined

export const inputInvalid = ({ what, errors, cause }: { what: string, errors: Detail[], cause?: unknown }) =>
  new OffpeakError({
    code: 'OFFPEAK_INPUT_INVALID',
    status: 422,
    message: `${what}: ${errors.map(({ pointer, detail }) => `${pointer || '/'} ${detail}`).join('; ')}`,
    fix: fixOf(errors),
    errors,
    cause
  })

export const durationInvalid = (value: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_DURATION_INVALID',
    status: 422,
    message: `${show(value)} is not a duration: expected seconds as a number, or words such as '15m', '1h 30m', 'PT15M'`
  })

export const durationTooLong = (value: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_DURATION_INVALID',
    status: 422,
    message: `${show(value)} is more than ten years: expected at most ten years`,
    fix: 'Write a shorter duration, or leave the setting out.'
  })

export const cursorInvalid = (cursor: string) =>
  new OffpeakError({
    code: 'OFFPEAK_CURSOR_INVALID',
    status: 400,
    message: `${show(cursor)} is not a valid cursor`
  })

/** A trigger that does not parse; the message names the field, the value found and the value expected. */
export const triggerInvalid = ({ pointer, field, found, expected, cause }: {
  pointer: string
  field?: string | undefined
  found: unknown
  expected: string
  cause?: unknown
}) =>
  new OffpeakError({
    code: 'OFFPEAK_TRIGGER_INVALID',
    status: 422,
    pointer,
    message: `${field ?? pointer.slice(pointer.lastIndexOf('/') + 1)}: found ${show(found)}, expected ${expected}`,
    cause
  })

/** A wrong use of the command line. */
export const usageInvalid = (message: string, fix?: string) =>
  new OffpeakError({ code: 'OFFPEAK_USAGE_INVALID', status: 400, message, fix })

export const signalInvalid = ({ message, pointer }: { message: string, pointer?: string }) =>
  new OffpeakError({
    code: 'OFFPEAK_SIGNAL_INVALID',
    status: 422,
    message,
    pointer,
    fix: 'Signals are set with a name, a value and how long it counts.'
  })

/** A table of readings that does not parse; the message names the value found and the value expected. */
export const readingsInvalid = (fault: Place & { message: string }) =>
  new OffpeakError({
    ...fault,
    code: 'OFFPEAK_READINGS_INVALID',
    status: 422,
    fix: 'The first line names the columns: at,power,battery_level,charging,cpu_busy,idle_seconds,...'
  })

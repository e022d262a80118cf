import { StopReason } from '../../model/run/outcome.ts'

/** Why claimed runs are given back, and why running ones are asked to stop. */
export const MISSING = { code: 'task_missing', message: 'the task vanished while the run was being claimed' }
export const UNREADABLE = { code: 'given_back', message: 'what it needs of its prerequisites could not be read' }
export const STOPPED = { code: 'cancelled', message: 'it was asked to stop before it began' }
export const CLOSED = { code: 'given_back', message: 'it was claimed, and then its gates closed' }
export const LOST = new StopReason('lost', 'the run was taken over by another process')
export const NO_SLOT = { code: 'given_back', message: 'it was claimed, but no slot came free for it' }
export const NOT_HERE = { code: 'given_back', message: 'it was stored as running here, but it was not' }

import type { Engine, Room } from '../../core/engine/engine.ts'

const NONE: Room = { tasks: {} }

const quickRoom = ({ ahead, ...room } = NONE): Room => ({ ...room, ahead: ahead ?? Object.fromEntries(Object.keys(room.tasks).map(task => [task, 0])) })

/** The same engine, for which every task is a quick one: claims go into the ledger wherever they may. */
export const quick = (engine: Engine): Engine => ({ ...engine, claim: ask => engine.claim({ ...ask, room: quickRoom(ask.room) }) })

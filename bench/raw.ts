import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { PAYLOAD } from './place.ts'

/** Nothing but node:sqlite and the disk: a table of rows, a log, and a sync for every transaction. */
export function rawTable (folder: string) {
  const db = new DatabaseSync(join(folder, 'raw.db'))
  db.exec('pragma journal_mode = wal; pragma synchronous = full')
  db.exec('create table run (id integer primary key, task text, state integer, due_at integer, payload text)')
  const insert = db.prepare('insert into run (task, state, due_at, payload) values (?, ?, ?, ?)')
  const add = () => insert.run('noop', 1, Date.now(), JSON.stringify(PAYLOAD))
  const addMany = (count: number) => {
    db.exec('begin immediate')
    for (let index = 0; index < count; index++) add()
    db.exec('commit')
  }
  return { add, addMany, close: () => db.close() }
}

export const RAW = 'raw node:sqlite'

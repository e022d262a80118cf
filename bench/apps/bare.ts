import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import fastify from 'fastify'
import { Type } from 'typebox'

/** What anyone would have who served this without offpeak: `bare.ts listen`, or `bare.ts database <folder>`. */
const [, , kind, folder] = process.argv

const app = fastify()
const Answer = Type.Object({ count: Type.Number() })
if (kind === 'database') {
  const db = new DatabaseSync(join(folder!, 'bare.db'))
  db.exec('pragma journal_mode = wal; pragma synchronous = full; create table if not exists run (id integer primary key)')
  const count = db.prepare('select count(*) as count from run')
  app.get('/count', { schema: { response: { 200: Answer } } }, async () => count.get())
  app.addHook('onClose', async () => db.close())
} else app.get('/count', async () => ({ count: 0 }))

process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
console.log(`bare answers at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)

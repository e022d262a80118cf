import { DatabaseSync } from 'node:sqlite'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastify from 'fastify'
import { Type } from 'typebox'

/** What anyone would have who served this without offpeak: `bare.ts listen`, `bare.ts database <folder>`, or `bare.ts
 *  route <file>`, which sends the file. */
const [, , kind, path] = process.argv

const app = fastify()
const Answer = Type.Object({ count: Type.Number() })
if (kind === 'database') {
  const db = new DatabaseSync(join(path!, 'bare.db'))
  db.exec(
    'pragma journal_mode = wal; pragma synchronous = full; create table if not exists run (id integer primary key)'
  )
  const count = db.prepare('select count(*) as count from run')
  app.get('/count', { schema: { response: { 200: Answer } } }, async () => count.get())
  app.addHook('onClose', async () => db.close())
} else if (kind === 'route') {
  const body = readFileSync(path!, 'utf8')
  app.get('/api/tasks', async (_request, reply) => reply.type('application/json; charset=utf-8').send(body))
} else app.get('/count', async () => ({ count: 0 }))

process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
console.log(`bare answers at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)

import t from 'tap'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import { TASK_DEFINITIONS as BACKUP } from '../../backgroundtask/backup_data.ts'
import { TASK_DEFINITIONS as CLEANUP } from '../../backgroundtask/cleanup_old_files.ts'
import { TASK_DEFINITIONS as HEARTBEAT } from '../../backgroundtask/heartbeat.ts'
import { TASK_DEFINITIONS as SYNC } from '../../backgroundtask/sync_folder.ts'
import { TASK_DEFINITIONS as WEB } from '../../backgroundtask/check_website_status.ts'
import { setup } from './setup.ts'

const FOLDERS = { source: '/srv/src', target: '/srv/mirror' }

/** A built-in task as config.json would set it up, which does nothing. */
const built = ([definition]: TaskDefinition[], payload: object): TaskDefinition =>
  ({
    ...definition!,
    func: () => null,
    isolation: 'inline',
    enabled: true,
    trigger: undefined,
    trigger_args: undefined,
    payload: { ...definition!.payload as object, ...payload }
  }) as TaskDefinition

t.test('a sync may exclude more than is configured, but not less', async t => {
  const { post } = await setup(t, { tasks: [built(SYNC, { ...FOLDERS, exclude: ['*.tmp', 'cache/'] })] })
  const ask = (exclude: string[]) => post('/api/tasks/sync_folder/runs', { payload: { exclude } })
  t.equal((await ask(['*.tmp', 'cache/', '*.iso'])).statusCode, 202)
  for (const less of [[], ['*.tmp'], ['*.tmp', 'cache/', '!cache/']]) {
    t.equal((await ask(less)).statusCode, 422, less.join())
  }
  t.match((await ask(['*.tmp'])).json(), {
    errors: [{
      pointer: '/payload/exclude',
      detail: "is bounded by tasks.sync_folder.payload.exclude: found '*.tmp', " +
        "expected all of '*.tmp', 'cache/' in this order, without a further one that begins with '!'"
    }],
    fix: 'Repeat all of tasks.sync_folder.payload.exclude in the payload and add to it, or change it in config.json.'
  })
})

t.test('a backup excludes what is configured, so that no incomplete one replaces a complete one', async t => {
  const { post } = await setup(t, { tasks: [built(BACKUP, { ...FOLDERS, exclude: ['*.tmp'] })] })
  const ask = (exclude: string[]) => post('/api/tasks/backup_data/runs', { payload: { exclude } })
  t.equal((await ask(['*.tmp'])).statusCode, 202)
  for (const other of [[], ['*.tmp', '**']]) t.equal((await ask(other)).statusCode, 422, other.join())
})

t.test('of two folders that move down together, an error for one names the other', async t => {
  const { post } = await setup(t, { tasks: [built(SYNC, FOLDERS)] })
  const refusal = async (payload: object) => {
    const { status, errors, fix } = (await post('/api/tasks/sync_folder/runs', { payload })).json()
    t.equal(status, 422, JSON.stringify(payload))
    t.equal(errors.length, 1, 'one fault')
    return { ...errors[0], fix }
  }
  t.same(await refusal({ source: '/srv/src/a' }), {
    pointer: '/payload/source',
    detail: "found '/srv/src/a', while 'target' stays '/srv/mirror': the two move down together, " +
      "expected 'target' to be '/srv/mirror/a'",
    fix: "Ask for target '/srv/mirror/a' too, or leave 'source' out of the payload."
  })
  t.match(await refusal({ target: '/srv/mirror/b/c' }), {
    pointer: '/payload/target',
    detail: "'source' to be '/srv/src/b/c'",
    fix: "Ask for source '/srv/src/b/c' too"
  })
  t.match(await refusal({ source: '/srv/src/a', target: '/srv/mirror/b' }), {
    pointer: '/payload/target',
    detail: "expected '/srv/mirror/a'",
    fix: "Ask for target '/srv/mirror/a',"
  })
  t.match(await refusal({ source: '/etc' }), {
    pointer: '/payload/source',
    detail: "is bounded by tasks.sync_folder.payload.source: found '/etc', expected '/srv/src', or a path below",
    fix: 'Name a folder in tasks.sync_folder.payload.source of config.json in which it lies, ' +
      "or ask for a path in '/srv/src'."
  })
  t.match(await refusal({ source: '/etc', target: '/srv/mirror/a' }), { pointer: '/payload/source' })
  t.match(await refusal({ source: '/srv/src/a', target: '/etc' }), {
    pointer: '/payload/target',
    detail: "expected '/srv/mirror', or a path below"
  })
  for (const payload of [{}, FOLDERS, { source: '/srv/src/a', target: '/srv/mirror/a' }, { source: '/srv/src/' }]) {
    t.equal((await post('/api/tasks/sync_folder/runs', { payload })).statusCode, 202, JSON.stringify(payload))
  }
})

t.test('an error names the configured value, its place and a valid value, by every way in', async t => {
  const { post } = await setup(t, {
    tasks: [built(CLEANUP, { root: '/srv/old', max_files: 1000, older_than: '30d', dry_run: true })]
  })
  const payload = { max_files: 5000 }
  const ways = [['/api/tasks/cleanup_old_files/runs', { payload }], ['/api/runs/bulk', {
    runs: [{ task: 'cleanup_old_files', payload }]
  }], ['/api/flows', { runs: [{ task: 'cleanup_old_files', payload }] }], ['/api/schedules', {
    task: 'cleanup_old_files',
    trigger: '@daily',
    payload
  }]] as const
  for (const [url, body] of ways) {
    t.match((await post(url, body)).json(), {
      status: 422,
      errors: [{
        pointer: /\/payload\/max_files$/,
        detail: 'is bounded by tasks.cleanup_old_files.payload.max_files: found 5000, expected at most 1000'
      }],
      fix: 'Raise tasks.cleanup_old_files.payload.max_files in config.json, or ask for at most 1000.'
    }, url)
  }
  const both = (await post(ways[0][0], { payload: { older_than: '1d', dry_run: false } })).json()
  t.match(both.fix, new RegExp(
    String.raw`^Lower tasks\.cleanup_old_files\.payload\.older_than in config\.json, or ask for at least '30d'\. ` +
      String.raw`Change tasks\.cleanup_old_files\.payload\.dry_run in config\.json, or leave 'dry_run' out`
  ))
  t.match(both.errors, [{ detail: "expected at least '30d'" }, { detail: 'found false, expected true' }])
})

t.test('an error names a missing bound, and shows no possible secret', async t => {
  const own: TaskDefinition = {
    id: 'own',
    func: () => null,
    payload: { deep: { api_token: 'abc' } },
    input: {
      type: 'object',
      properties: {
        most: { type: 'number', configured: 'at_most' },
        deep: { type: 'object', properties: { api_token: { type: 'string', configured: true } } }
      }
    } as never
  }
  const ping = 'https://hc.example/7f1c-key'
  const { post } = await setup(t, {
    tasks: [own, built(HEARTBEAT, { ping_url: ping }), built(WEB, { url: 'https://me:pw@site.example/p?key=k' })]
  })
  const refused = async (id: string, payload: object) => (await post(`/api/tasks/${id}/runs`, { payload })).json()
  t.match(await refused('own', { most: 3 }), {
    errors: [{ pointer: '/payload/most', detail: 'is bounded by tasks.own.payload.most, which is not set: found 3' }],
    fix: 'Set tasks.own.payload.most in config.json: the payload of a requested run cannot set it.'
  })
  const hidden = await refused('own', { deep: { api_token: 'x' } })
  t.match(hidden, {
    errors: [{ pointer: '/payload/deep/api_token', detail: 'is bounded by tasks.own.payload.deep.api_token: ' }],
    fix: /^Change tasks\.own\.payload\.deep\.api_token/
  })
  const [beat, page] = [await refused('heartbeat', { ping_url: 'https://a.example/' }),
    await refused('check_website_status', { url: 'https://a.example/' })]
  t.match(page.fix, /or ask for a URL of https:\/\/site\.example\.$/)
  for (const answer of [hidden, beat, page]) {
    t.equal(answer.status, 422)
    t.notMatch(JSON.stringify(answer), /abc|7f1c|me:pw|key=k/)
  }
})

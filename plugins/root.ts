import { READ } from './_http/scope.ts'
import { VERSION } from '../core/index.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, sign => ENTITIES[sign]!)

/** The entry points of the API by name. */
const linksOf = ({ prefix, manager }: PluginApp): Record<string, string> => ({
  tasks: `${prefix}/api/tasks`,
  runs: `${prefix}/api/runs`,
  queues: `${prefix}/api/queues`,
  schedules: `${prefix}/api/schedules`,
  events: `${prefix}/api/events`,
  health: `${prefix}/api/health`,
  ...manager.config.server.docs && { docs: `${prefix}/api/docs/`, openapi: `${prefix}/api/openapi.json` }
})

type Listed = Awaited<ReturnType<PluginApp['manager']['desk']['tasks']>>[number]

const row = ({ id, status, held, trigger, next_run: next }: Listed): string =>
  `<tr>${
    [id, held === null ? status : `${status}: ${held.message}`, trigger?.words ?? 'on request', next ?? ''].map(cell =>
      `<td>${escaped(cell)}</td>`
    ).join('')
  }</tr>`

const pageOf = (tasks: readonly Listed[], links: Record<string, string>): string =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>offpeak</title>
<h1>offpeak ${VERSION}</h1>
<p>${Object.entries(links).map(([name, url]) => `<a href="${escaped(url)}">${name}</a>`).join(' · ')}</p>
<table>
<thead><tr><th>task</th><th>status</th><th>schedule</th><th>next</th></tr></thead>
<tbody>
${tasks.map(row).join('\n')}
</tbody>
</table>
<p>On the command line: <code>offpeak tasks</code>, <code>offpeak why TASK</code>, <code>offpeak run TASK</code>.</p>
</html>
`

/** A page with the tasks for a browser, and the entry points of the API as JSON for programs. In an app of somebody
 *  else it has no route without a prefix. */
const root: Plugin = async app => {
  if (!app.host.alone && app.prefix === '') return
  app.get('/', { config: READ, schema: { hide: true } }, async (request, reply) => {
    reply.header('vary', 'accept')
    if (request.headers.accept?.includes('text/html') !== true) {
      return { name: 'offpeak', version: VERSION, links: linksOf(app) }
    }
    return await reply.type('text/html; charset=utf-8').send(pageOf(await app.manager.desk.tasks(), linksOf(app)))
  })
}

export default named('offpeak-root', root, ['offpeak-guard'])

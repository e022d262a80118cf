import type { RouteOptions } from 'fastify'
import Type from 'typebox'
import type { Needed } from '../_http/scope.ts'
import { ANSWERS, PARAMETERS, ROUTES } from './words.ts'
import type { SchemaNode } from './example.ts'

/** A route of the description. */
export type Described = Pick<RouteOptions, 'method' | 'url' | 'schema'> & {
  scope: Needed
  /** Members of the answer that are withheld without a token; `all`: the whole answer. */
  isPrivate: readonly string[] | 'all'
}

/** What this server answers without a token: reads that are not private, and private ones. */
export interface Reach {
  reads: boolean
  secrets: boolean
}

const TOKEN = { token: [] }
/** Statuses that a route may answer because of its parts. */
const OF_EVERY = [401, 403, 421, 429, 503]
const OF_BODY = [400, 413, 415, 422]
const OF_PATH = [404, 422]
const NONE = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ description: 'ETags, separated by commas: the answer is 304 if one of them is still current' })
  )
})
const NAME = Type.Object({
  'x-offpeak-by': Type.Optional(
    Type.String({ maxLength: 64, description: 'The name of the caller in the record of manual changes' })
  )
})

/** `/api/runs/:id` as `/api/runs/{id}`. */
const pathOf = (url: string): string => url.replaceAll(/:(\w+)/g, '{$1}')

const routeOf = ({ method, url }: Described) => `${String(method)} ${pathOf(url)}`

/** `GET /api/runs/:id/why` as `get_runs_id_why`. */
const idOf = ({ method, url }: Described) =>
  [String(method).toLowerCase(), ...url.split('/').filter(part =>
    part !== '' && part !== 'api'
  ).map(part => part.replaceAll(/\W/g, ''))].join('_')

const isFree = ({ scope, isPrivate }: Described, { reads, secrets }: Reach) =>
  scope === 'open' || (scope === 'read' && reads && (secrets || isPrivate !== 'all'))

/** The token that a route requires, in words. */
function accessWords (route: Described, reach: Reach): string {
  const { scope, isPrivate } = route
  if (scope === 'open') return 'No token is needed.'
  if (!isFree(route, reach)) return `Needs a token with the scope \`${scope}\`.`
  const members = reach.secrets || isPrivate === 'all' ? [] : isPrivate
  const withheld = members.length === 0 ? '' : `, but ${members.map(name => `\`${name}\``).join(', ')} withheld`
  return `On the machine of the server no token is needed${withheld}.`
}

function securityOf (route: Described, reach: Reach): object[] {
  if (route.scope === 'open') return []
  return isFree(route, reach) ? [TOKEN, {}] : [TOKEN]
}

/** The statuses of the problems that a route may answer, besides those that any request can get. */
function problemsOf ({ method, url, scope, schema }: Omit<Described, 'isPrivate'>): number[] {
  const { body, querystring, headers } = schema ?? {}
  const statuses = [
    ...scope === 'open' ? [] : OF_EVERY,
    ...body === undefined ? [] : OF_BODY,
    ...url.includes(':') ? OF_PATH : [],
    ...querystring === undefined && headers === undefined ? [] : [422],
    ...'if-match' in ((headers as SchemaNode | undefined)?.properties ?? {}) ? [412] : [],
    ...(querystring as SchemaNode | undefined)?.properties?.['cursor'] === undefined ? [] : [400],
    ...ROUTES[`${String(method)} ${pathOf(url)}`]?.also ?? []
  ]
  return [...new Set(statuses)].toSorted()
}

/** `/api/runs/:id/why` as `run`. */
const subjectOf = (url: string) => (/(\w+?)s?\/:/.exec(url)?.[1] ?? '').replace('dead', 'run')

function withWords (schema: unknown, url: string): unknown {
  if (schema === undefined) return undefined
  const { properties = {}, ...rest } = schema as SchemaNode
  const described = Object.entries(properties).map(([name, node]) => {
    const { description = PARAMETERS[name]?.replace('{subject}', subjectOf(url)) } = node
    return [name, { ...node, description }]
  })
  return { ...rest, properties: Object.fromEntries(described) }
}

/** A read of JSON, whose answer has an ETag. */
const hasTag = ({ method, scope, schema }: Pick<Described, 'method' | 'scope' | 'schema'>) =>
  method === 'GET' && scope === 'read' &&
  !('content' in ((schema?.response as Record<string, object> | undefined)?.['200'] ?? {}))

/** The schema of the request headers, with those that every change or every read takes. */
function headersOf ({ method, scope, schema }: Described): unknown {
  const own = hasTag({ method, scope, schema }) ? NONE : method === 'GET' || scope === 'open' ? null : NAME
  if (own === null) return schema?.headers
  const { properties = {} } = (schema?.headers ?? {}) as SchemaNode
  return { ...own, properties: { ...properties, ...own.properties } }
}

/** The operation of a route as the schema of a route of @fastify/swagger. */
export function operationOf (route: Described, reach: Reach): object {
  const { url, schema = {}, scope } = route
  const { querystring, params, response, consumes, ...rest } = schema as Record<string, unknown>
  const { summary, details } = ROUTES[routeOf(route)] ?? { summary: schema.summary }
  const own = Object.entries(response as Record<string, object>).filter(([status]) => !status.endsWith('xx'))
  const parts = { querystring: withWords(querystring, url), params: withWords(params, url), headers: headersOf(route) }
  return {
    ...rest,
    summary,
    description: [details, accessWords(route, reach)].filter(Boolean).join('\n\n'),
    operationId: idOf(route),
    'x-scope': scope,
    'x-problems': problemsOf(route).filter(status => !own.some(([answer]) => answer === String(status))),
    'x-tag': hasTag(route),
    security: securityOf(route, reach),
    ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)),
    ...consumes !== undefined && { consumes, body: Type.String({ format: 'binary' }) },
    response: Object.fromEntries(own.map(([status, answer]) => [
      status,
      { ...answer, 'x-response-description': ANSWERS[Number(status)] }
    ]))
  }
}

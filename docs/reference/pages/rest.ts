import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createManager } from '../../../core/manager.ts'
import { createServer } from '../../../core/server.ts'
import { REST_INTRO } from './routes.ts'
import { ROUTES } from '../../../plugins/_openapi/words.ts'
import { code, generatedFrom, table } from './markdown.ts'
import { problemRows } from './problems.ts'
import { typeWords } from './schema.ts'
import type { Node } from './schema.ts'

interface Parameter {
  name: string
  in: string
  required?: boolean
  schema: Node
  description?: string
}

interface Operation {
  'x-scope'?: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Node }> }
  responses: Record<string, { content?: Record<string, { schema: Node }> }>
}

type Document = { paths: Record<string, Record<string, Operation>> }

/** A part of the document with each reference replaced by what it refers to. */
function resolved (part: unknown, components: Record<string, Record<string, unknown>>): unknown {
  if (Array.isArray(part)) return part.map(item => resolved(item, components))
  if (typeof part !== 'object' || part === null) return part
  if ('$ref' in part) {
    const [kind, name] = String(part.$ref).split('/').slice(2)
    return resolved(components[kind!]![name!], components)
  }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolved(value, components)]))
}

/** The OpenAPI document of a server, without references. */
export async function apiDocument (): Promise<Document> {
  const root = await mkdtemp(join(tmpdir(), 'offpeak-docs-'))
  const manager = await createManager({ root, files: 'none', env: {} })
  const app = await createServer({ manager, env: {} })
  try {
    const document = (await app.inject('/api/openapi.json')).json()
    return { paths: resolved(document.paths, document.components) } as Document
  } finally {
    await app.close()
    await rm(root, { recursive: true })
  }
}

/** Headers that the introduction explains. */
const EVERYWHERE = ['x-offpeak-by', 'if-none-match']

const successes = ({ responses }: Operation) =>
  Object.entries(responses).filter(([, { content }]) => content?.['application/problem+json'] === undefined).map((
    [status]
  ) => status).filter(status => status !== '304').join(', ')

function fieldsOf ({ parameters = [], requestBody }: Operation): string {
  const asked = parameters.filter(parameter => parameter.in !== 'path' && !EVERYWHERE.includes(parameter.name)).map((
    { name, in: place }
  ) => place === 'query' ? code(`?${name}`) : `${code(name)} (header)`)
  const { properties = {}, required = [] } = Object.values(requestBody?.content ?? {})[0]?.schema ?? {}
  const sent = Object.entries(properties).map(([name]) => required.includes(name) ? `**${code(name)}**` : code(name))
  return [asked.join(', '), sent.length > 0 ? `body: ${sent.join(', ')}` : ''].filter(Boolean).join('; ')
}

function wordsFor (route: string): string {
  const words = ROUTES[route]
  if (words === undefined) throw new Error(`${route} has no description: add it to plugins/_openapi/words.ts`)
  const { summary, details } = words
  return details === undefined ? summary : `${summary}. ${details.replace(/\.$/, '')}`
}

function routeRows ({ paths }: Document): string[][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const route = `${method.toUpperCase()} ${path}`
      return [code(route), operation['x-scope'] ?? '', wordsFor(route), fieldsOf(operation), successes(operation)]
    })
  ).toSorted((a, b) =>
    Object.keys(ROUTES).indexOf(a[0]!.slice(1, -1)) - Object.keys(ROUTES).indexOf(b[0]!.slice(1, -1))
  )
}

/** The fields of the successful answer of a route. */
function answerRows (document: Document, route: readonly [path: string, method: string], within?: string): string[][] {
  const { responses } = document.paths[route[0]]![route[1]]!
  const whole = Object.values(responses['200']!.content!)[0]!.schema
  const schema = within === undefined ? whole : whole.properties![within]!
  return Object.entries((schema.items ?? schema).properties ?? {}).map((
    [name, node]
  ) => [code(name), typeWords(node), node.description ?? ''])
}

const ERRORS = resolve(import.meta.dirname, '../../../core/model/errors')

/** The page of every route and every problem code. */
export async function restPage (): Promise<string> {
  const document = await apiDocument()
  const errors = globSync('*-errors.ts', { cwd: ERRORS })
    .toSorted()
    .map(name => readFileSync(join(ERRORS, name), 'utf8'))
    .join('\n')
  return [
    REST_INTRO,
    generatedFrom('the OpenAPI document and core/model/errors/'),
    `## Routes\n\nRequired fields of a body are bold. The scope is the one that the token needs.\n\n${
      table(['route', 'scope', '', 'takes', 'answers'], routeRows(document))
    }`,
    `## A task\n\n${table(['field', 'type', ''], answerRows(document, ['/api/tasks/{id}', 'get']))}`,
    `## A run\n\n${table(['field', 'type', ''], answerRows(document, ['/api/runs/{id}', 'get']))}`,
    `## A start to come\n\nOne of the \`items\` of a forecast.\n\n${
      table(['field', 'type', ''], answerRows(document, ['/api/forecast', 'get'], 'items'))
    }`,
    `## Problems\n\n${table(['code', 'status', 'says'], problemRows(errors))}`
  ].join('\n\n') + '\n'
}

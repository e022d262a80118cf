/** An OpenAPI document, as far as the page shows it. */
export interface ApiDocument {
  info: { title: string, version: string, description?: string }
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, object>, responses?: Record<string, Body> }
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: object
}

interface Body {
  $ref?: string
  description?: string
  content?: Record<string, { schema?: object }>
}

interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: readonly string[]
  parameters?: readonly Parameter[]
  requestBody?: Body
  responses?: Record<string, Body>
  'x-scope'?: string
}

interface Place {
  method: string
  path: string
  operation: Operation
}

/** The style sheet of the page; the Content-Security-Policy permits none inside it. */
export const STYLE = `:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; padding: .3rem 0 } summary > code:first-child { font-weight: 600 }
details > :not(summary) { margin-left: 1.5rem }
table { border-collapse: collapse } td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0 }
pre { overflow: auto; max-height: 24rem; padding: .75rem;
  border: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
`

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const safe = (text: string) => text.replaceAll(/[&<>"]/g, sign => ENTITIES[sign]!)
/** Text with code in backticks. */
const words = (text = '') => safe(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
const tag = (name: string, text: string | undefined) => text ? `<${name}>${safe(text)}</${name}>` : ''
const paragraph = (text: string | undefined) => text ? `<p>${words(text)}</p>` : ''
const schemaOf = (schema: object | undefined) => schema === undefined ? '' : tag('pre', JSON.stringify(schema, null, 2))

function parametersOf ({ parameters = [] }: Operation): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(({ name, in: where, required, description, schema }) =>
    `<tr><td><code>${safe(name)}</code></td><td>${safe(where)}${required ? ', required' : ''}</td><td>${
      words(description ?? (schema as { description?: string } | undefined)?.description)
    }</td></tr>`
  )
  return `<table><tr><th>parameter</th><th>in</th><th></th></tr>${rows.join('')}</table>`
}

const contentOf = ({ content = {} }: Body) =>
  Object.entries(content).map(([type, { schema }]) => tag('p', type) + schemaOf(schema)).join('')

/** The named schemas, each with the address that references point at. */
const schemasOf = (schemas: Record<string, object>): string =>
  Object.entries(schemas).map(([name, schema]) =>
    `<details><summary><code>#/components/schemas/${safe(name)}</code></summary>${schemaOf(schema)}</details>`
  ).join('\n')

type Known = Record<string, Body>

const responsesOf = ({ responses = {} }: Operation, known: Known) =>
  Object.entries(responses).map(([status, { $ref, ...own }]) => {
    const body = $ref === undefined ? own : known[$ref.split('/').at(-1)!] ?? {}
    return `<details><summary>${status} ${words(body.description)}</summary>${contentOf(body)}</details>`
  }).join('')

const operationOf = ({ method, path, operation }: Place, known: Known): string =>
  `<details${
    operation.operationId ? ` id="${safe(operation.operationId)}"` : ''
  }><summary><code>${method.toUpperCase()} ${safe(path)}</code> ${words(operation.summary)}</summary>${
    paragraph(operation.description)
  }${tag('p', operation['x-scope'] && `Scope: ${operation['x-scope']}`)}${parametersOf(operation)}${
    operation.requestBody ? tag('h4', 'Body') + contentOf(operation.requestBody) : ''
  }${responsesOf(operation, known)}</details>`

/** A page that lists the operations of a document by their first tag, without scripts. `style`: the address of STYLE;
 *  `source`: that of the document. */
export function apiPage (
  { info, paths = {}, components: { schemas = {}, responses = {} } = {} }: ApiDocument,
  { style, source }: Record<'style' | 'source', string>
): string {
  const places = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation }))
  )
  const groups = Object.entries(Object.groupBy(places, ({ operation }) => operation.tags?.[0] ?? 'other'))
  const body = groups.map(([name, members = []]) =>
    tag('h2', name) + members.map(place => operationOf(place, responses)).join('\n')
  ).join('\n')
  const named = Object.keys(schemas).length === 0 ? '' : `${tag('h2', 'schemas')}\n${schemasOf(schemas)}`
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${safe(info.title)}</title><link rel="stylesheet" href="${safe(style)}">
<h1>${safe(info.title)} ${safe(info.version)}</h1>${paragraph(info.description)}
<p>The <a href="${safe(source)}">OpenAPI document</a> has the same in JSON. To send requests from this page, install
<code>@fastify/swagger-ui</code> beside offpeak and start it again.</p>
${body}
${named}
</html>
`
}

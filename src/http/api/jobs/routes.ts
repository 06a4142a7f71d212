import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Job as StoredJob } from '../../../jobs/job.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { defaultJobLimit, Job, JobListQuerystring, JobPage, JobParams, type JobView } from './schemas.ts'

const tags = ['Jobs']
const config = { access: ['auditor', 'operator', 'admin'] } as const

const getJob = {
  operationId: 'getJob',
  tags,
  summary: 'Read one job',
  params: JobParams,
  response: {
    200: { description: 'The job.', content: jsonContent(Job) },
    ...problemResponses({ 404: 'There is no such job, or it was cleared away.' })
  }
}

const listJobs = {
  operationId: 'listJobs',
  tags,
  summary: 'See what the service does by itself, and what fails',
  description:
    'Newest first. Jobs that are over stay for an hour to a week, by their kind; those that wait stay until they are done.',
  querystring: JobListQuerystring,
  response: {
    200: { description: 'One page.', content: jsonContent(JobPage) },
    ...problemResponses({ 404: 'The job that `cursor` names is not there any more: begin anew.' })
  }
}

export const jobRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { jobs } }
) => {
  app.get('/v1/jobs/:id', { config, schema: getJob }, async ({ params }) =>
    viewJob(await jobs.find(params.id))
  )

  app.get(
    '/v1/jobs',
    { config, preValidation: coerceIntegers('query', ['limit']), schema: listJobs },
    async ({ query: { limit = defaultJobLimit, cursor, after, ...query } }) =>
      viewPage(await jobs.list({ ...query, limit, after: cursor ?? after }), viewJob)
  )
}

function viewJob({ key, createdAt, nextTryAt, endedAt, lastError, ...rest }: StoredJob): JobView {
  return {
    ...rest,
    ...(key !== undefined && { key }),
    createdAt: createdAt.toISOString(),
    ...(nextTryAt !== undefined && { nextTryAt: nextTryAt.toISOString() }),
    ...(endedAt !== undefined && { endedAt: endedAt.toISOString() }),
    ...(lastError !== undefined && { lastError })
  }
}

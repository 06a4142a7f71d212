import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { StationProfileVersion } from '../../../station-certificates/profile/document.ts'
import { actOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { StationProfileBody, StationProfileResource, type StationProfileView } from './schemas.ts'

const tags = ['Stations']
const path = '/v1/station-profile'

const getStationProfile = {
  operationId: 'getStationProfile',
  tags,
  summary: "Read what stations' own certificates are like",
  response: {
    200: { description: 'The newest version.', content: jsonContent(StationProfileResource) },
    ...problemResponses({ 404: 'Nobody has said so yet.' })
  }
}

const putStationProfile = {
  operationId: 'putStationProfile',
  tags,
  summary: "Say what stations' own certificates are like",
  description:
    'Makes the next version; the same again changes nothing. What is left out has its default. Certificates that were issued stay as they are, and those to come follow it.',
  body: StationProfileBody,
  response: {
    200: { description: 'As it is now.', content: jsonContent(StationProfileResource) },
    ...problemResponses({ 422: 'The line is not there, or signs for devices.' })
  }
}

export const stationProfileRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { stationProfiles } }
) => {
  app.get(
    path,
    { config: { access: ['auditor', 'operator', 'admin'] }, schema: getStationProfile },
    async () => view(await stationProfiles.current())
  )

  app.put(path, { config: { access: ['admin'] }, schema: putStationProfile }, async request =>
    view(await stationProfiles.put(request.body, actOf(request)))
  )
}

function view({ version, document, createdAt, createdBy }: StationProfileVersion): StationProfileView {
  return { version, ...document, createdAt: createdAt.toISOString(), createdBy }
}

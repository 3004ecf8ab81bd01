"""The official openai package: one AsyncOpenAI client as its documentation shows it. Only its pool is widened, which
holds 1,000 connections and keeps 100 of them otherwise; its own retries stay as they are."""

import httpx2
import openai

import common


async def session(options, work):
    limits = httpx2.Limits(max_connections=options.in_flight, max_keepalive_connections=options.in_flight)
    http = openai.DefaultAsyncHttpxClient(limits=limits)
    async with openai.AsyncOpenAI(base_url=options.base_url, api_key="none", http_client=http) as client:

        async def ask(body):
            answer = await client.chat.completions.create(**body)
            return answer.choices[0].message.content

        return await common.run(options, work, ask)


common.main(session)

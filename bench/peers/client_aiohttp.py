"""asyncio and aiohttp: one session, connections kept alive."""

import aiohttp

import common


async def session(options, work):
    connector = aiohttp.TCPConnector(limit=options.in_flight)
    timeout = aiohttp.ClientTimeout(total=600)
    url = options.base_url + "/chat/completions"
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:

        async def ask(body):
            async with http.post(url, json=body) as response:
                response.raise_for_status()
                answer = await response.json()
                return answer["choices"][0]["message"]["content"]

        return await common.run(options, work, ask)


common.main(session)

-- GET /issues/{id}, over all the ids in the file BENCH_IDS, in an order that has nothing to do with their age.

local report = require "report"
local tail = " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. os.getenv("BENCH_KEY") .. "\r\n\r\n"
local requests = {}
for id in io.lines(os.getenv("BENCH_IDS")) do
    requests[#requests + 1] = "GET /issues/" .. id .. tail
end

function request()
    return requests[math.random(#requests)]
end

function done(summary, latency)
    report(summary, latency)
end

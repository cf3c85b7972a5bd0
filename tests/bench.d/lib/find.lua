-- GET BENCH_PATH, over and over.

local report = require "report"
local head = "GET " .. os.getenv("BENCH_PATH") .. " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. os.getenv("BENCH_KEY") .. "\r\n\r\n"

function request()
    return head
end

function done(summary, latency)
    report(summary, latency)
end
